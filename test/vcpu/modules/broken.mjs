/** Fails when it is evaluated. */
throw new Error('no licence for this chip');

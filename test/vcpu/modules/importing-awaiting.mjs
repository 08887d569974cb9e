/** Imports one that cannot be. */
export { default } from './awaiting.mjs';

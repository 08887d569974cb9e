/**
 * What an ioeventfd signals. The model and the listeners only carry it and compare it; who makes one knows
 * how it is signalled and awaited.
 */
export interface EventNotifier {
  /** Unique among notifiers, at least 0: tells them apart and orders them. */
  readonly id: number;
}

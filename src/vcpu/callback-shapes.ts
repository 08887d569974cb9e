/**
 * Whose callbacks this thread calls as methods. V8 compiles one call site of methods into compares and direct calls for
 * up to four shapes of objects; one more, and every call there goes through a shared cache: 25 ns for 5 to 14. A bound
 * function costs 18 whatever it is bound to. So devices of the first four shapes that a thread meets are called as
 * methods, those of others by functions bound once. Feedback of a call site lives as long as the thread, as this does.
 * Guarantee: none but on speed. Shapes are told by prototype and names of properties, which V8's depend on, among others.
 * Measured: `mmio/local`, `mmio/local-classes` (docs/decisions/0020-devices-are-called-as-methods.md).
 */
import type { AnyDeviceCallbacks } from '../base/device-binding.ts';

/** Of a device that is not called in this thread; takes no place among the shapes. */
export const NO_CALLBACKS: AnyDeviceCallbacks = { read: () => 0, write: () => {} };

const SHAPES_AS_METHODS = 4;

/** By prototype: names of own properties, in order. */
const shapes = new Map<unknown, Set<string>>();
let shapeCount = 0;

/** Whether the callbacks are among the first shapes of this thread, and take the place if one is left. */
export function areCalledAsMethods(callbacks: AnyDeviceCallbacks): boolean {
  if (callbacks === NO_CALLBACKS) return true;
  const prototype: unknown = Object.getPrototypeOf(callbacks);
  const names = Object.keys(callbacks).join();
  const alike = shapes.get(prototype) ?? new Set();
  if (alike.has(names)) return true;
  if (shapeCount === SHAPES_AS_METHODS) return false;
  shapeCount += 1;
  shapes.set(prototype, alike.add(names));
  return true;
}

/** `method` bound to its callbacks; null for what is no function, whose call as a method says so. */
export function boundTo<F>(callbacks: AnyDeviceCallbacks, method: F): F | null {
  // By the language's own bind: a function of the device's may have another.
  return typeof method === 'function' ? Function.prototype.bind.call(method, callbacks) : null;
}

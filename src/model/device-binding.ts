export * from '../base/device-binding.ts';

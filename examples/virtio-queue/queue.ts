/**
 * What driver and device agree on: a split virtqueue without its used ring, in guest RAM.
 *
 *   address         what                                            written by
 *   DESCRIPTORS     QUEUE_SIZE times 16 bytes: address, length, 0   driver
 *   AVAILABLE       requests made so far, 4 bytes                   driver
 *   AVAILABLE + 4   QUEUE_SIZE times 4 bytes: which descriptor      driver
 *   BUFFERS         the buffers                                     driver, and device for its answers
 *
 *   register        what
 *   NOTIFY          written by the driver: there are new requests
 *   DONE            read by the driver: requests answered so far
 */
export const RAM_BYTES = 0x1_0000;
export const QUEUE_SIZE = 8;
export const DESCRIPTORS = 0x1000;
export const DESCRIPTOR_BYTES = 16;
export const AVAILABLE = 0x2000;
export const BUFFERS = 0x3000;
export const BUFFER_BYTES = 64;

export const DEVICE = 0x1000_0000;
export const DEVICE_BYTES = 0x1000;
export const NOTIFY = 0;
export const DONE = 4;

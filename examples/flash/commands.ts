/**
 * The chip's commands, in the manner of Intel's; what its driver and it have in common.
 *
 *   written  then           does
 *   0x20     0xd0, there    erases the block of 4 KiB: all bytes 0xff, some time later
 *   0x40     a byte, there  programs it: bits can only be cleared
 *   0xff                    reads give the bytes again; after every other command they give the status
 */
export const COMMAND_ERASE = 0x20;
export const COMMAND_PROGRAM = 0x40;
export const COMMAND_READ_ARRAY = 0xff;
export const CONFIRM_ERASE = 0xd0;
/** Of the status; busy is 0. */
export const STATUS_READY = 0x80;

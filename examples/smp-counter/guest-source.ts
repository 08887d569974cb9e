/**
 * The guest's text; guest.ts tells what it does and gives the symbols in capitals.
 * s0 hart id, s1 the shared words (the lock comes first), s2 line number; a and t registers are anybody's.
 */
export const GUEST_SOURCE = `
start:
    csrr  s0, mhartid
    la    s1, shared
    li    sp, STACKS
    addi  t0, s0, 1
    li    t1, STACK_SIZE
    mul   t0, t0, t1
    add   sp, sp, t0
    li    s2, 0

# No hart begins before all are there.
    addi  a0, s1, START
    call  meet

# Part 1: count and print, while hart 0 moves the UART.
next_line:
    li    t0, ADDITIONS
    li    t1, 1
    addi  t2, s1, BY_AMO
count_by_amo:
    amoadd.w zero, t1, (t2)
    addi  t0, t0, -1
    bnez  t0, count_by_amo
    call  take_lock
    li    t0, ADDITIONS
count_under_lock:
    lw    t1, UNDER_LOCK(s1)
    addi  t1, t1, 1
    sw    t1, UNDER_LOCK(s1)
    addi  t0, t0, -1
    bnez  t0, count_under_lock
    call  print_hart
    la    a0, text_line
    call  print_text
    mv    a0, s2
    call  print_decimal
    call  print_newline
    bnez  s0, line_done
    lw    t0, UART_BASE(s1)
    li    t1, UART_BOTH
    xor   t0, t0, t1
    li    t1, BAR
    sw    t0, 0(t1)             # the UART moves; back here it has moved
    sw    t0, UART_BASE(s1)
line_done:
    call  drop_lock
    addi  s2, s2, 1
    li    t0, LINES
    bltu  s2, t0, next_line

# Part 2: when all are through, each says where it finds the UART.
    addi  a0, s1, MIDDLE
    call  meet
    call  take_lock
    call  print_hart
    la    a0, text_awake
    call  print_text
    lw    a0, UART_BASE(s1)
    call  print_hexadecimal
    call  print_newline
    call  drop_lock
    addi  a0, s1, FINISHED
    call  report
    bnez  s0, exit
    addi  a0, s1, FINISHED
    call  sleep_until_all
    call  take_lock
    call  print_hart
    la    a0, text_counted
    call  print_text
    lw    a0, BY_AMO(s1)
    call  print_decimal
    la    a0, text_by_amo
    call  print_text
    lw    a0, UNDER_LOCK(s1)
    call  print_decimal
    la    a0, text_under_lock
    call  print_text
    call  print_newline
    call  drop_lock

exit:
    li    t0, FINISHER
    slli  t1, s0, 2
    add   t0, t0, t1
    li    t1, PASS
    sw    t1, 0(t0)
exited:
    wfi
    j     exited

# Spinlock. FENCE in the loop lets the map move on while this hart waits; the one at the end is rule 3.
take_lock:
    li    t2, 1
try_lock:
    lr.w.aq t0, (s1)
    bnez  t0, lock_is_held
    sc.w  t1, t2, (s1)
    bnez  t1, try_lock
    fence
    ret
lock_is_held:
    pause
    j     try_lock
drop_lock:
    amoswap.w.rl zero, zero, (s1)
    ret

# Waits for all harts; a0 points to two words, the harts that have come and 1 for go.
# Hart 0 sleeps until all have come, the others until it says go.
meet:
    addi  sp, sp, -16
    sw    ra, 0(sp)
    sw    a0, 4(sp)
    call  report
    bnez  s0, sleep_until_go
    lw    a0, 4(sp)
    call  sleep_until_all
    lw    t0, 4(sp)
    addi  t0, t0, 4
    li    t1, 1
    amoswap.w.rl zero, t1, (t0)
    li    t2, HARTS
ring_next:
    addi  t2, t2, -1
    beqz  t2, met
    mv    a0, t2
    call  ring
    j     ring_next
sleep_until_go:
    lw    t0, 4(sp)
    lw    t0, 4(t0)
    bnez  t0, met
    call  sleep
    j     sleep_until_go
met:
    lw    ra, 0(sp)
    addi  sp, sp, 16
    ret
# Adds this hart to the count at a0 and rings hart 0.
report:
    li    t0, 1
    amoadd.w.aqrl zero, t0, (a0)
    li    a0, 0
# Rings hart a0.
ring:
    li    t0, DOORBELL
    slli  a0, a0, 2
    add   t0, t0, a0
    li    t1, 1
    sw    t1, 0(t0)
    ret
# WFI until rung, or for no reason: the caller looks again.
sleep:
    wfi
    li    t0, DOORBELL
    slli  t1, s0, 2
    add   t0, t0, t1
    sw    zero, 0(t0)
    ret
# Until the count at a0 is HARTS.
sleep_until_all:
    addi  sp, sp, -16
    sw    ra, 0(sp)
    sw    a0, 4(sp)
look_again:
    lw    a0, 4(sp)
    lw    t0, 0(a0)
    li    t1, HARTS
    beq   t0, t1, all_are_there
    call  sleep
    j     look_again
all_are_there:
    lw    ra, 0(sp)
    addi  sp, sp, 16
    ret

# Printing; the caller holds the lock. print_character leaves t1 and t2 alone.
print_character:
    lw    t3, UART_BASE(s1)
wait_until_ready:
    lbu   t0, UART_LINE_STATUS(t3)
    andi  t0, t0, UART_READY
    bnez  t0, ready
    fence
    j     wait_until_ready
ready:
    sb    a0, UART_DATA(t3)
    ret
print_newline:
    li    a0, 10
    j     print_character
print_text:
    addi  sp, sp, -16
    sw    ra, 0(sp)
    mv    t1, a0
next_character:
    lbu   a0, 0(t1)
    beqz  a0, printed
    call  print_character
    addi  t1, t1, 1
    j     next_character
print_hart:
    addi  sp, sp, -16
    sw    ra, 0(sp)
    la    a0, text_hart
    call  print_text
    mv    a0, s0
    call  print_decimal
    la    a0, text_colon
    call  print_text
printed:
    lw    ra, 0(sp)
    addi  sp, sp, 16
    ret
# a0, unsigned: the higher digits first, by recursion.
print_decimal:
    addi  sp, sp, -16
    sw    ra, 0(sp)
    li    t0, 10
    remu  t1, a0, t0
    sw    t1, 4(sp)
    divu  a0, a0, t0
    beqz  a0, last_digit
    call  print_decimal
last_digit:
    lw    a0, 4(sp)
    addi  a0, a0, '0'
    call  print_character
    j     printed
# a0 as 0x and eight digits.
print_hexadecimal:
    addi  sp, sp, -16
    sw    ra, 0(sp)
    mv    t1, a0
    li    a0, '0'
    call  print_character
    li    a0, 'x'
    call  print_character
    li    t2, 28
next_digit:
    srl   a0, t1, t2
    andi  a0, a0, 15
    sltiu t0, a0, 10
    bnez  t0, is_decimal
    addi  a0, a0, 39            # from '0' + 10 to 'a'
is_decimal:
    addi  a0, a0, '0'
    call  print_character
    addi  t2, t2, -4
    bge   t2, zero, next_digit
    j     printed

text_hart:       .asciz "hart "
text_colon:      .asciz ": "
text_line:       .asciz "line "
text_awake:      .asciz "awake, UART at "
text_counted:    .asciz "counted "
text_by_amo:     .asciz " by AMO, "
text_under_lock: .asciz " under the lock"

shared:          .space UART_BASE    # guest.ts names the words
                 .word  UART_FIRST
`;

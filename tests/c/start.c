/* Start-up and semihosting of a test image, for every core, without any library. */
#include <stddef.h>
#include <stdint.h>

int main(void);
void start(void);
void say(const char *text);

extern uint32_t stack_top[], data_start[], data_end[], data_load[], bss_start[], bss_end[];

#if defined(__arm__)
static void fault(void) {
    say("fault\n");
    for (;;) {}
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    stack_top, (void *)start, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault,
};

static intptr_t host(intptr_t operation, const void *block) {
    register intptr_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = block;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}
#else
__asm__(".section .vectors, \"ax\"\n.global begin\nbegin: la sp, stack_top\n j start\n.text\n");

static intptr_t host(intptr_t operation, const void *block) {
    register intptr_t a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = block;
    __asm__ volatile(".option push\n.option norvc\n.balign 16\nslli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
    return a0;
}
#endif

void say(const char *text) { host(0x04, text); }

void start(void) {
    uint32_t *to, *from;
    intptr_t end[2] = {0x20026, 1};
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    /* CPACR: Helium and the FPU are off after a reset. */
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20;
    __asm__ volatile("dsb\nisb");
#endif
    for (to = data_start, from = data_load; to < data_end;) *to++ = *from++;
    for (to = bss_start; to < bss_end;) *to++ = 0;
    end[1] = main();
    host(0x20, end);
    for (;;) {}
}

/* What the compiler may call for the test's own code; the network calls none of it. */
__attribute__((used, optimize("no-tree-loop-distribute-patterns"))) void *memcpy(void *to, const void *from, size_t n) {
    char *a = to;
    const char *b = from;
    while (n--) *a++ = *b++;
    return to;
}

__attribute__((used, optimize("no-tree-loop-distribute-patterns"))) void *memset(void *to, int value, size_t n) {
    char *a = to;
    while (n--) *a++ = (char)value;
    return to;
}

//! Copies and zeros that the compiler calls a library for, as part of the crate for C: what is called becomes local in the
//! assembly, so that no C library is needed. This file is not compiled here, only included as text.

/// Copies from the front; in words where it can.
unsafe fn copy_up(to: *mut u8, from: *const u8, bytes: usize) {
    let mut i = 0;
    if (to as usize | from as usize) & 3 == 0 {
        while i + 4 <= bytes {
            // Volatile, or the compiler would call what this is.
            unsafe { to.add(i).cast::<u32>().write_volatile(from.add(i).cast::<u32>().read_volatile()) };
            i += 4;
        }
    }
    while i < bytes {
        unsafe { to.add(i).write_volatile(from.add(i).read_volatile()) };
        i += 1;
    }
}

/// Copies from the back.
unsafe fn copy_down(to: *mut u8, from: *const u8, bytes: usize) {
    let mut i = bytes;
    while i > 0 {
        i -= 1;
        unsafe { to.add(i).write_volatile(from.add(i).read_volatile()) };
    }
}

unsafe fn copy_over(to: *mut u8, from: *const u8, bytes: usize) {
    match (to as usize) < from as usize {
        true => unsafe { copy_up(to, from, bytes) },
        false => unsafe { copy_down(to, from, bytes) },
    }
}

unsafe fn fill(to: *mut u8, bytes: usize, value: u8) {
    let mut i = 0;
    if to as usize & 3 == 0 {
        let word = u32::from(value) * 0x0101_0101;
        while i + 4 <= bytes {
            unsafe { to.add(i).cast::<u32>().write_volatile(word) };
            i += 4;
        }
    }
    while i < bytes {
        unsafe { to.add(i).write_volatile(value) };
        i += 1;
    }
}

/// The names of C, and those of ARM's run-time ABI.
macro_rules! names {
    ($($name:ident($($argument:ident: $ty:ty),*) = $call:expr;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($argument: $ty),*) {
            unsafe { $call }
        }
    )*};
}

names! {
    __aeabi_memcpy(to: *mut u8, from: *const u8, n: usize) = copy_up(to, from, n);
    __aeabi_memcpy4(to: *mut u8, from: *const u8, n: usize) = copy_up(to, from, n);
    __aeabi_memcpy8(to: *mut u8, from: *const u8, n: usize) = copy_up(to, from, n);
    __aeabi_memmove(to: *mut u8, from: *const u8, n: usize) = copy_over(to, from, n);
    __aeabi_memmove4(to: *mut u8, from: *const u8, n: usize) = copy_over(to, from, n);
    __aeabi_memmove8(to: *mut u8, from: *const u8, n: usize) = copy_over(to, from, n);
    __aeabi_memset(to: *mut u8, n: usize, value: i32) = fill(to, n, value as u8);
    __aeabi_memset4(to: *mut u8, n: usize, value: i32) = fill(to, n, value as u8);
    __aeabi_memset8(to: *mut u8, n: usize, value: i32) = fill(to, n, value as u8);
    __aeabi_memclr(to: *mut u8, n: usize) = fill(to, n, 0);
    __aeabi_memclr4(to: *mut u8, n: usize) = fill(to, n, 0);
    __aeabi_memclr8(to: *mut u8, n: usize) = fill(to, n, 0);
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    unsafe { copy_up(to, from, n) };
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    unsafe { copy_over(to, from, n) };
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, value: i32, n: usize) -> *mut u8 {
    unsafe { fill(to, n, value as u8) };
    to
}

//! The allocator of the program.
#![allow(unsafe_code, reason = "each use is argued where it stands")]

use std::alloc::{GlobalAlloc, Layout};

use libmimalloc_sys::{
    mi_free, mi_malloc, mi_malloc_aligned, mi_realloc, mi_realloc_aligned, mi_zalloc, mi_zalloc_aligned,
};

/// How everything is aligned that has at least as many bytes: `MI_MAX_ALIGN_SIZE`.
const ALIGNED: usize = 16;

/// mimalloc, asked for an alignment only where that does not come by itself: nearly never, and asking takes as long again as
/// the memory.
///
/// ```
/// #[global_allocator]
/// static MEMORY: larder_cli::Memory = larder_cli::Memory;
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Memory;

fn comes_aligned(size: usize, align: usize) -> bool {
    align <= ALIGNED && align <= size
}

// SAFETY: every function gives what mimalloc gives for the size and the alignment, and memory of one goes back by another,
// as mimalloc allows.
unsafe impl GlobalAlloc for Memory {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
        // SAFETY: any size may be asked for, with any power of two as the alignment.
        unsafe { if comes_aligned(size, align) { mi_malloc(size) } else { mi_malloc_aligned(size, align) } }
            .cast()
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
        // SAFETY: any size may be asked for, with any power of two as the alignment.
        unsafe { if comes_aligned(size, align) { mi_zalloc(size) } else { mi_zalloc_aligned(size, align) } }
            .cast()
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, _: Layout) {
        // SAFETY: the caller gives what it got here.
        unsafe { mi_free(memory.cast()) }
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let (memory, align) = (memory.cast(), layout.align());
        // SAFETY: the caller gives what it got here.
        unsafe {
            if comes_aligned(size, align) {
                mi_realloc(memory, size)
            } else {
                mi_realloc_aligned(memory, size, align)
            }
        }
        .cast()
    }
}

#[cfg(test)]
mod tests {
    use std::slice;
    use std::thread;

    use super::*;

    const SIZES: [usize; 16] =
        [1, 2, 7, 8, 9, 15, 16, 17, 24, 40, 100, 1_024, 1_025, 2_304, 70_000, 3_000_000];

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).expect("a layout")
    }

    /// Memory of this size, as it was given out and as it is filled.
    ///
    /// # Safety
    ///
    /// It must have as many bytes, and nobody else may use them.
    unsafe fn bytes<'a>(memory: *mut u8, size: usize, align: usize) -> &'a mut [u8] {
        assert!(!memory.is_null() && memory.addr().is_multiple_of(align), "{size} bytes by {align}");
        // SAFETY: as the caller says.
        unsafe { slice::from_raw_parts_mut(memory, size) }
    }

    #[test]
    fn memory_is_aligned_as_asked_and_keeps_what_is_in_it() {
        for align in (0..=12).map(|power| 1_usize << power) {
            for size in SIZES {
                // SAFETY: all is used within its size, and given back once with its layout.
                unsafe {
                    let zeroed = Memory.alloc_zeroed(layout(size, align));
                    assert!(bytes(zeroed, size, align).iter().all(|byte| *byte == 0));
                    bytes(zeroed, size, align).fill(0xFF);
                    Memory.dealloc(zeroed, layout(size, align));
                    let memory = Memory.alloc(layout(size, align));
                    bytes(memory, size, align).fill(0xA5);
                    let larger = Memory.realloc(memory, layout(size, align), size * 3);
                    assert!(bytes(larger, size * 3, align)[..size].iter().all(|byte| *byte == 0xA5));
                    let less = size.div_ceil(5);
                    let smaller = Memory.realloc(larger, layout(size * 3, align), less);
                    assert!(bytes(smaller, less, align).iter().all(|byte| *byte == 0xA5));
                    Memory.dealloc(smaller, layout(less, align));
                }
            }
        }
    }

    #[test]
    fn memory_of_one_thread_goes_back_by_another() {
        for align in [1, 8, 16, 64] {
            let given: Vec<_> = SIZES
                .iter()
                // SAFETY: it is given back once, below.
                .map(|size| (unsafe { Memory.alloc(layout(*size, align)) }.expose_provenance(), *size))
                .collect();
            let back = thread::spawn(move || {
                for (memory, size) in given {
                    // SAFETY: nobody else has it any more.
                    unsafe {
                        Memory.dealloc(std::ptr::with_exposed_provenance_mut(memory), layout(size, align))
                    };
                }
            });
            back.join().expect("it is taken back");
        }
    }
}

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
    use super::*;

    #[test]
    fn memory_is_aligned_as_asked_and_keeps_what_is_in_it() {
        for align in (0..=12).map(|power| 1_usize << power) {
            for size in [1, 2, 7, 8, 9, 15, 16, 17, 24, 40, 100, 1_024, 1_025, 2_304, 70_000, 3_000_000] {
                let layout = Layout::from_size_align(size, align).expect("a layout");
                let last = size - 1;
                // SAFETY: it is written to and read within its size, and given back once.
                unsafe {
                    let zeroed = Memory.alloc_zeroed(layout);
                    assert!(zeroed.addr().is_multiple_of(align), "{size} bytes by {align}");
                    assert_eq!((zeroed.read(), zeroed.add(last).read()), (0, 0));
                    Memory.dealloc(zeroed, layout);
                    let memory = Memory.alloc(layout);
                    assert!(memory.addr().is_multiple_of(align), "{size} bytes by {align}");
                    memory.write(1);
                    memory.add(last).write(2);
                    let larger = Memory.realloc(memory, layout, size * 3);
                    assert!(larger.addr().is_multiple_of(align), "{size} bytes by {align}");
                    assert!([1, 2].contains(&larger.read()));
                    assert_eq!(larger.add(last).read(), 2);
                    Memory.dealloc(larger, Layout::from_size_align(size * 3, align).expect("a layout"));
                }
            }
        }
    }
}

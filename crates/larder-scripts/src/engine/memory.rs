//! The memory of an engine: one region that can be put back to how it was.

#![allow(unsafe_code, reason = "each use is argued where it stands")]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::{Cell, RefCell};
use std::ptr::{self, NonNull};
use std::rc::Rc;

use rquickjs::allocator::Allocator;

/// What stands before each block: its size. So many bytes that blocks are aligned for everything.
const HEAD: usize = 16;
/// How many sizes there are between two powers of two.
const STEPS: usize = 4;
/// Sizes up to half of all addresses.
const CLASSES: usize = 1 + class(1 << (usize::BITS - 2));
/// Pages that runs took beyond this, in bytes, are given back to the system: the next run seldom needs them.
const KEPT: usize = 1024 * 1024;
const PAGE: usize = 4096;

/// A region from which one engine has all its memory.
#[derive(Clone)]
pub(super) struct Memory(Rc<Region>);

struct Region {
    base: NonNull<u8>,
    bytes: usize,
    taken: RefCell<Taken>,
    /// How many bytes of blocks may be taken at once.
    limit: Cell<usize>,
    /// Whether a block was wanted for which there was no room.
    has_refused: Cell<bool>,
    /// Up to where any was taken since it was put back.
    most: Cell<usize>,
}

/// What of a region is taken.
#[derive(Clone)]
struct Taken {
    /// Behind this, nothing is.
    end: usize,
    /// Bytes of the blocks that are not free.
    bytes: usize,
    /// The first free block of each size before that; each names the next one. Where no block can be, there is none.
    free: [usize; CLASSES],
}

/// A region as it once was.
pub(super) struct Image {
    bytes: Vec<u8>,
    taken: Taken,
}

impl Memory {
    /// A region of so many bytes, which take no memory until they are used.
    pub(super) fn new(bytes: usize) -> Self {
        let layout = layout(bytes.clamp(PAGE, isize::MAX as usize - PAGE));
        // SAFETY: the layout has bytes.
        let base =
            NonNull::new(unsafe { alloc_zeroed(layout) }).unwrap_or_else(|| handle_alloc_error(layout));
        let bytes = layout.size();
        let region = Region {
            base,
            bytes,
            taken: RefCell::new(Taken { end: 0, bytes: 0, free: [0; CLASSES] }),
            limit: Cell::new(usize::MAX),
            has_refused: Cell::default(),
            most: Cell::default(),
        };
        Self(Rc::new(region))
    }

    /// Lets so many bytes be taken at once from now on.
    pub(super) fn limit(&self, bytes: usize) {
        self.0.limit.set(bytes);
        self.0.has_refused.set(false);
    }

    /// Whether more was wanted since then.
    pub(super) fn has_refused(&self) -> bool {
        self.0.has_refused.get()
    }

    /// Its bytes as they are now.
    pub(super) fn image(&self) -> Image {
        let taken = self.0.taken.borrow().clone();
        // SAFETY: all of it lies in the region, whose bytes were zero until they were written, and is copied at once.
        let bytes = unsafe { std::slice::from_raw_parts(self.0.base.as_ptr(), taken.end) }.to_vec();
        Image { bytes, taken }
    }

    /// Makes its bytes what they were: what was taken since is free, and what was changed or freed since is as it was.
    ///
    /// # Safety
    ///
    /// The image is one of this region. Nobody outside of it refers to what was taken since, and what it referred to
    /// outside of it when the image was made is still there.
    pub(super) unsafe fn put_back(&self, image: &Image) {
        let Region { base, taken, most, .. } = &*self.0;
        // SAFETY: the image is no longer than the region, from whose beginning it was copied.
        unsafe { ptr::copy_nonoverlapping(image.bytes.as_ptr(), base.as_ptr(), image.bytes.len()) };
        taken.borrow_mut().clone_from(&image.taken);
        let most = most.replace(0);
        if most > image.bytes.len() + KEPT {
            self.give_back(image.bytes.len(), most);
        }
    }

    /// Lets the system have pages whose bytes nobody needs.
    fn give_back(&self, start: usize, end: usize) {
        #[cfg(unix)]
        {
            use nix::sys::mman::{MmapAdvise, madvise};
            let start = start + self.0.base.as_ptr().wrapping_add(start).align_offset(PAGE);
            let bytes = (end - start) / PAGE * PAGE;
            // SAFETY: these pages lie in the region, behind all that is taken of it.
            let given = unsafe { madvise(self.0.base.add(start).cast(), bytes, MmapAdvise::MADV_DONTNEED) };
            // Where the system keeps them, nothing is lost but memory.
            let _ = given;
        }
        #[cfg(not(unix))]
        let _ = (start, end);
    }
}

/// Of a region of so many bytes.
const fn layout(bytes: usize) -> Layout {
    match Layout::from_size_align(bytes, HEAD) {
        Ok(layout) => layout,
        Err(_) => panic!("it is larger than addresses go"),
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: it was made with this layout, and nobody has it any more.
        unsafe { dealloc(self.base.as_ptr(), layout(self.bytes)) };
    }
}

impl Region {
    /// A block of at least so many bytes; null if there is no room.
    fn take(&self, bytes: usize) -> *mut u8 {
        let taken = &mut *self.taken.borrow_mut();
        let block = self.find(taken, bytes);
        self.has_refused.set(self.has_refused.get() || block.is_null());
        block
    }

    fn find(&self, taken: &mut Taken, bytes: usize) -> *mut u8 {
        if !self.is_allowed(taken.bytes, bytes) {
            return ptr::null_mut();
        }
        let wanted = class(bytes);
        if taken.free[wanted] != 0 {
            return self.take_free(taken, wanted);
        }
        if let Some(block) = self.grow(taken, taken.end + HEAD, size_of_class(wanted)) {
            return block;
        }
        // A larger one, before there is none at all.
        match (wanted + 1..CLASSES).find(|class| taken.free[*class] != 0) {
            Some(class) => self.take_free(taken, class),
            None => ptr::null_mut(),
        }
    }

    /// Whether there may be a block of so many bytes beside so many others.
    fn is_allowed(&self, others: usize, bytes: usize) -> bool {
        bytes <= self.bytes && others + size_of_class(class(bytes)) <= self.limit.get()
    }

    /// The first free block of a size of which there is one.
    fn take_free(&self, taken: &mut Taken, class: usize) -> *mut u8 {
        taken.bytes += size_of_class(class);
        // SAFETY: blocks in a list lie in the region, and are free, so that the place of the next one is in them.
        unsafe {
            let block = self.base.add(taken.free[class]).as_ptr();
            taken.free[class] = block.cast::<usize>().read();
            block
        }
    }

    /// Makes a block of this size at a place behind all that is taken, if there is room.
    fn grow(&self, taken: &mut Taken, at: usize, size: usize) -> Option<*mut u8> {
        let end = at.checked_add(size).filter(|end| *end <= self.bytes)?;
        taken.end = end;
        taken.bytes += size;
        self.most.set(self.most.get().max(end));
        // SAFETY: the block and what stands before it lie in the region.
        unsafe {
            let block = self.base.add(at).as_ptr();
            block.sub(HEAD).cast::<usize>().write(size);
            Some(block)
        }
    }

    /// Where in the region a block of it is.
    fn place(&self, block: *mut u8) -> usize {
        block.addr() - self.base.as_ptr().addr()
    }

    /// # Safety
    ///
    /// It is a block of this region, and not free.
    unsafe fn free(&self, block: *mut u8) {
        let taken = &mut *self.taken.borrow_mut();
        let place = self.place(block);
        // SAFETY: as the caller says; a block is as large as the place of another one at least.
        unsafe {
            let size = size(block);
            taken.bytes -= size;
            if place + size == taken.end {
                taken.end = place - HEAD;
                return;
            }
            let class = class(size);
            block.cast::<usize>().write(taken.free[class]);
            taken.free[class] = place;
        }
    }

    /// Makes a block larger or smaller where it is; `None` if it cannot be that there.
    ///
    /// # Safety
    ///
    /// It is a block of this region, and not free.
    unsafe fn resize(&self, block: *mut u8, bytes: usize) -> Option<*mut u8> {
        // SAFETY: as the caller says.
        let has = unsafe { size(block) };
        let taken = &mut *self.taken.borrow_mut();
        if !self.is_allowed(taken.bytes - has, bytes) {
            return None;
        }
        let (place, needs) = (self.place(block), size_of_class(class(bytes)));
        if place + has == taken.end {
            let grown = self.grow(taken, place, needs)?;
            taken.bytes -= has;
            return Some(grown);
        }
        // What a block has too much is of use to nobody, so that this stays little.
        (needs <= has && needs > has / 2).then_some(block)
    }
}

// SAFETY: blocks lie in the region, do not overlap, are aligned to 16 bytes, and are as large as what stands before them
// says. The engine has one thread, and so has what it is given.
unsafe impl Allocator for Memory {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        self.0.take(size)
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        let Some(bytes) = count.checked_mul(size) else { return ptr::null_mut() };
        let block = self.0.take(bytes);
        if !block.is_null() {
            // SAFETY: it has so many bytes.
            unsafe { block.write_bytes(0, bytes) };
        }
        block
    }

    unsafe fn dealloc(&mut self, block: *mut u8) {
        // SAFETY: as the caller says.
        unsafe { self.0.free(block) }
    }

    unsafe fn realloc(&mut self, block: *mut u8, wanted: usize) -> *mut u8 {
        if block.is_null() {
            return self.0.take(wanted);
        }
        // SAFETY: as the caller says; the two blocks do not overlap, and each has the bytes that are copied.
        unsafe {
            if let Some(same) = self.0.resize(block, wanted) {
                return same;
            }
            let other = self.0.take(wanted);
            if !other.is_null() {
                ptr::copy_nonoverlapping(block, other, size(block).min(wanted));
                self.0.free(block);
            }
            other
        }
    }

    unsafe fn usable_size(block: *mut u8) -> usize {
        // SAFETY: as the caller says.
        unsafe { size(block) }
    }
}

/// # Safety
///
/// It is a block of a region.
unsafe fn size(block: *mut u8) -> usize {
    // SAFETY: the size stands before each block.
    unsafe { block.sub(HEAD).cast::<usize>().read() }
}

/// The number of the smallest size that has room for so many bytes: 16, 32, 48, 64, 80, 96, 112, 128, 160, and so on.
const fn class(bytes: usize) -> usize {
    if bytes <= HEAD * STEPS {
        return if bytes == 0 { 0 } else { (bytes - 1) / HEAD };
    }
    let power = (bytes - 1).ilog2() as usize;
    let step = 1 << (power - 2);
    STEPS * (power - 5) + (bytes - 1 - (1 << power)) / step
}

/// How many bytes a block of this size has.
const fn size_of_class(class: usize) -> usize {
    if class < STEPS {
        return HEAD * (class + 1);
    }
    let power = 5 + class / STEPS;
    (1 << power) + (class % STEPS + 1) * (1 << (power - 2))
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn sizes_have_room_and_waste_a_quarter_at_most() {
        for bytes in (0..5_000).chain([1 << 20, (1 << 20) + 1, 12_345_678, (1 << 30) - 1]) {
            let class = class(bytes);
            let size = size_of_class(class);
            assert!(size >= bytes, "{bytes}");
            assert!(size <= bytes.max(16).next_multiple_of(HEAD) * 5 / 4, "{bytes}");
            assert_eq!(size % HEAD, 0, "{bytes}");
            assert!(class == 0 || size_of_class(class - 1) < bytes, "{bytes}");
        }
    }

    /// A block that a test holds, and what every byte of it is.
    struct Held {
        block: *mut u8,
        bytes: usize,
        mark: u8,
    }

    impl Held {
        fn fill(&self) {
            // SAFETY: it has so many bytes.
            unsafe { self.block.write_bytes(self.mark, self.bytes) };
        }

        fn check(&self, bytes: usize) {
            // SAFETY: it has so many bytes, which were written.
            let found = unsafe { std::slice::from_raw_parts(self.block, bytes) };
            assert!(found.iter().all(|byte| *byte == self.mark), "somebody else wrote into a block");
        }
    }

    /// Takes, resizes and frees at random.
    fn churn(memory: &mut Memory, held: &mut Vec<Held>, random: &mut StdRng, steps: usize) {
        for _ in 0..steps {
            let power = random.random_range(1..16);
            let (bytes, mark) = (random.random_range(0..1_usize << power), random.random());
            let at = random.random_range(0..=held.len());
            match random.random_range(0..4) {
                2 if at < held.len() => {
                    let one = &mut held[at];
                    // SAFETY: it is held.
                    one.block = unsafe { memory.realloc(one.block, bytes) };
                    one.check(one.bytes.min(bytes));
                    (one.bytes, one.mark) = (bytes, mark);
                    one.fill();
                }
                3 if at < held.len() => {
                    let one = held.swap_remove(at);
                    one.check(one.bytes);
                    // SAFETY: it was held until now.
                    unsafe { memory.dealloc(one.block) };
                }
                _ => {
                    let block = memory.alloc(bytes);
                    assert!(!block.is_null() && block.addr().is_multiple_of(HEAD));
                    // SAFETY: it was just taken.
                    assert!(unsafe { Memory::usable_size(block) } >= bytes);
                    let one = Held { block, bytes, mark };
                    one.fill();
                    held.push(one);
                }
            }
        }
        held.iter().for_each(|one| one.check(one.bytes));
        // SAFETY: they are held.
        let bytes: usize = held.iter().map(|one| unsafe { Memory::usable_size(one.block) }).sum();
        assert_eq!(memory.0.taken.borrow().bytes, bytes);
    }

    #[test]
    fn blocks_keep_apart_and_a_region_put_back_is_as_it_was() {
        let mut random = StdRng::seed_from_u64(7);
        let mut memory = Memory::new(64 << 20);
        let mut held = Vec::new();
        churn(&mut memory, &mut held, &mut random, 400);
        let image = memory.image();
        for _ in 0..20 {
            let before: Vec<_> = held.iter().map(|one| (one.block, one.bytes, one.mark)).collect();
            let end = (memory.0.taken.borrow().end, memory.0.taken.borrow().bytes);
            churn(&mut memory, &mut held, &mut random, 400);
            held.clear();
            // SAFETY: it is of this region, nobody holds what was taken since, and nothing in it refers to anywhere.
            unsafe { memory.put_back(&image) };
            held.extend(before.into_iter().map(|(block, bytes, mark)| Held { block, bytes, mark }));
            held.iter().for_each(|one| one.check(one.bytes));
            assert_eq!((memory.0.taken.borrow().end, memory.0.taken.borrow().bytes), end);
            assert!(memory.image().bytes == image.bytes, "other bytes than there were");
        }
    }

    #[test]
    fn without_room_there_is_no_block_and_a_larger_free_one_does_too() {
        let mut memory = Memory::new(1 << 20);
        let large = memory.alloc(700_000);
        let small = memory.alloc(16);
        assert!(!large.is_null() && !small.is_null());
        for bytes in [500_000, usize::MAX, usize::MAX / 2] {
            assert!(memory.alloc(bytes).is_null());
            // SAFETY: it is held.
            assert!(unsafe { memory.realloc(small, bytes) }.is_null());
        }
        assert!(memory.calloc(usize::MAX, 2).is_null());
        // SAFETY: it was held until now.
        unsafe { memory.dealloc(large) };
        assert_eq!(memory.alloc(500_000), large);
        assert!(memory.alloc(500_000).is_null());
        let zeroed = memory.calloc(1_000, 100);
        // SAFETY: it has so many bytes.
        assert!(unsafe { std::slice::from_raw_parts(zeroed, 100_000) }.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn no_more_is_held_at_once_than_the_limit() {
        let mut memory = Memory::new(1 << 20);
        let first = memory.alloc(1_024);
        memory.limit(2_048);
        assert!(memory.alloc(1_025).is_null());
        assert!(memory.has_refused());
        memory.limit(2_048);
        let second = memory.alloc(1_024);
        assert!(!second.is_null() && !memory.has_refused());
        // SAFETY: they are held.
        unsafe {
            assert!(memory.realloc(second, 1_025).is_null() && memory.has_refused());
            memory.dealloc(first);
            assert_eq!(memory.realloc(second, 2_048), second);
        }
        // There is no block without bytes.
        assert!(memory.alloc(0).is_null());
    }

    #[test]
    fn the_last_block_grows_and_shrinks_where_it_is() {
        let mut memory = Memory::new(1 << 20);
        let first = memory.alloc(100);
        let last = memory.alloc(100);
        // SAFETY: both are held.
        unsafe {
            assert_eq!(memory.realloc(last, 500_000), last);
            assert_eq!(memory.realloc(last, 10), last);
            assert_ne!(memory.realloc(first, 500_000), first);
        }
    }
}

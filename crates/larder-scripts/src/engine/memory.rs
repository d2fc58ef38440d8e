//! The memory of an engine: one region that can be put back to how it was.

#![allow(unsafe_code, reason = "each use is argued where it stands")]

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::Cell;
use std::io;
use std::mem::{MaybeUninit, size_of};
use std::ptr::{self, NonNull};
use std::rc::Rc;

use rlsf::{GRANULARITY, Tlsf};
use rquickjs::allocator::Allocator;

/// What stands before each block: its size. So many bytes that blocks are aligned for everything.
const HEAD: usize = 16;
/// Bytes at the end of a region in which its last free block is described.
const TAIL: usize = 4 * GRANULARITY;
/// What runs took beyond this, in bytes, is given back to the system: the next run seldom needs it.
const KEPT: usize = 1024 * 1024;
/// A multiple of the sizes that pages have.
const PAGE: usize = 64 * 1024;
/// The largest region: the allocator makes several of a larger one, of which an image would know the first only.
const MOST: usize = 1 << 32;

/// A region from which one engine has all its memory.
#[derive(Clone)]
pub(super) struct Memory(Rc<Region>);

struct Region {
    base: NonNull<u8>,
    layout: Layout,
    /// How many bytes of blocks may be taken at once.
    limit: Cell<usize>,
    /// Whether a block was wanted for which there was no room.
    has_refused: Cell<bool>,
    /// Up to where any was taken since it was put back.
    most: Cell<usize>,
}

/// What of a region is taken. It lies at its beginning, so that it is put back with the rest.
struct Taken {
    free: Tlsf<'static, u32, u32, 28, 32>,
    /// Bytes of blocks.
    bytes: usize,
}

/// A region as it once was: nothing between the two was ever written.
pub(super) struct Image {
    start: Vec<MaybeUninit<u8>>,
    tail: [u8; TAIL],
}

impl Memory {
    /// A region of so many bytes, which take no memory until they are used.
    ///
    /// # Errors
    ///
    /// When the system has not that much, or it is more than 4 GiB.
    pub(super) fn new(bytes: usize) -> io::Result<Self> {
        if bytes > MOST {
            let reason =
                "a script's engine has at most 4 GiB of addresses, four for each byte of a run's memory";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let layout = Layout::from_size_align(bytes.max(PAGE), HEAD).map_err(io::Error::other)?;
        // SAFETY: the layout has bytes.
        let base = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or(io::ErrorKind::OutOfMemory)?;
        let region = Region {
            base,
            layout,
            limit: Cell::new(usize::MAX),
            has_refused: Cell::default(),
            most: Cell::new(size_of::<Taken>()),
        };
        let mut taken = Taken { free: Tlsf::new(), bytes: 0 };
        let rest = layout.size() - size_of::<Taken>();
        // SAFETY: the beginning has room for what is written there, and the rest, which is nobody else's, stays as long as
        // what is told of it.
        unsafe {
            let rest = NonNull::slice_from_raw_parts(base.add(size_of::<Taken>()), rest);
            taken.free.insert_free_block_ptr(rest);
            base.cast::<Taken>().write(taken);
        }
        Ok(Self(Rc::new(region)))
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
        let region = &*self.0;
        // What comes behind the last block is one free block, which is described at its beginning.
        let end = (region.most.get() + TAIL).min(region.layout.size());
        let mut tail = [0; TAIL];
        // SAFETY: both lie in the region, and are copied at once. The bytes of the tail were zero until they were written.
        let start = unsafe {
            ptr::copy_nonoverlapping(region.tail(), tail.as_mut_ptr(), TAIL);
            std::slice::from_raw_parts(region.base.as_ptr().cast(), end).to_vec()
        };
        Image { start, tail }
    }

    /// Makes its bytes what they were: what was taken since is free, and what was changed or freed since is as it was.
    ///
    /// # Safety
    ///
    /// The image is one of this region. Nobody outside of it refers to what was taken since, and what it referred to
    /// outside of it when the image was made is still there.
    pub(super) unsafe fn put_back(&self, image: &Image) {
        let region = &*self.0;
        let Image { start, tail } = image;
        // SAFETY: the image is no longer than the region, from whose beginning and end it was copied.
        unsafe {
            ptr::copy_nonoverlapping(start.as_ptr(), region.base.as_ptr().cast(), start.len());
            ptr::copy_nonoverlapping(tail.as_ptr(), region.tail(), TAIL);
        }
        let most = region.most.replace(start.len() - TAIL);
        if most > start.len() + KEPT {
            region.give_back(start.len(), most);
        }
    }
}

impl Region {
    /// Where what is taken is told.
    fn taken(&self) -> *mut Taken {
        self.base.cast().as_ptr()
    }

    fn tail(&self) -> *mut u8 {
        self.base.as_ptr().wrapping_add(self.layout.size() - TAIL)
    }

    /// Lets the system have what lies between, of which nobody needs the bytes.
    fn give_back(&self, start: usize, end: usize) {
        #[cfg(unix)]
        {
            use nix::sys::mman::{MmapAdvise, madvise};
            let start = start + self.base.as_ptr().wrapping_add(start).align_offset(PAGE);
            let bytes = end.saturating_sub(start) / PAGE * PAGE;
            // SAFETY: these pages lie in the region, behind all that is taken of it and before its end.
            let given = unsafe { madvise(self.base.add(start).cast(), bytes, MmapAdvise::MADV_DONTNEED) };
            // Where the system keeps them, nothing is lost but memory.
            let _ = given;
        }
        #[cfg(not(unix))]
        let _ = (start, end);
    }

    /// Notes that a block is there.
    ///
    /// # Safety
    ///
    /// What is given is a block of the allocator with room for this one and its head.
    unsafe fn give_out(&self, taken: &mut Taken, block: NonNull<u8>, size: usize) -> *mut u8 {
        taken.bytes += size;
        // SAFETY: as the caller says.
        let block = unsafe {
            block.cast::<usize>().write(size);
            block.add(HEAD).as_ptr()
        };
        let end = block.addr() - self.base.as_ptr().addr() + size;
        self.most.set(self.most.get().max(end));
        block
    }

    /// The layout of a block with its head and its size without, if there may be one beside so many bytes of others.
    fn plan(&self, others: usize, bytes: usize) -> Option<(Layout, usize)> {
        let size = bytes.max(1).checked_next_multiple_of(HEAD)?;
        let is_allowed = others.checked_add(size)? <= self.limit.get();
        let layout = Layout::from_size_align(size.checked_add(HEAD)?, HEAD).ok()?;
        is_allowed.then_some((layout, size))
    }

    fn take(&self, bytes: usize) -> Option<*mut u8> {
        // SAFETY: nobody else looks at it meanwhile: there is one thread, and nothing here calls anybody.
        let taken = unsafe { &mut *self.taken() };
        let (layout, size) = self.plan(taken.bytes, bytes)?;
        let block = taken.free.allocate(layout)?;
        // SAFETY: it was allocated for that.
        Some(unsafe { self.give_out(taken, block, size) })
    }

    /// # Safety
    ///
    /// It is a block of this region, and not free.
    unsafe fn free(&self, block: *mut u8) {
        // SAFETY: as above, and as the caller says.
        unsafe {
            let taken = &mut *self.taken();
            taken.bytes -= size(block);
            taken.free.deallocate(NonNull::new_unchecked(block.sub(HEAD)), HEAD);
        }
    }

    /// # Safety
    ///
    /// It is a block of this region, and not free.
    unsafe fn resize(&self, block: *mut u8, bytes: usize) -> Option<*mut u8> {
        // SAFETY: as above, and as the caller says. Where it is moved to there is room, and it stays where there is none.
        unsafe {
            let taken = &mut *self.taken();
            let has = size(block);
            let (layout, size) = self.plan(taken.bytes - has, bytes)?;
            let moved = taken.free.reallocate(NonNull::new_unchecked(block.sub(HEAD)), layout)?;
            taken.bytes -= has;
            Some(self.give_out(taken, moved, size))
        }
    }

    /// Null for what could not be had.
    fn or_null(&self, block: Option<*mut u8>) -> *mut u8 {
        block.unwrap_or_else(|| {
            self.has_refused.set(true);
            ptr::null_mut()
        })
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: it was made with this layout, and nobody has it any more.
        unsafe { dealloc(self.base.as_ptr(), self.layout) };
    }
}

// SAFETY: blocks lie in the region, do not overlap, are aligned to 16 bytes, and are as large as what stands before them
// says. The engine has one thread, and so has what it is given.
unsafe impl Allocator for Memory {
    fn alloc(&mut self, bytes: usize) -> *mut u8 {
        self.0.or_null(self.0.take(bytes))
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        let block = count.checked_mul(size).and_then(|bytes| {
            let block = self.0.take(bytes)?;
            // SAFETY: it has so many bytes.
            unsafe { block.write_bytes(0, bytes) };
            Some(block)
        });
        self.0.or_null(block)
    }

    unsafe fn dealloc(&mut self, block: *mut u8) {
        // SAFETY: as the caller says.
        unsafe { self.0.free(block) }
    }

    unsafe fn realloc(&mut self, block: *mut u8, bytes: usize) -> *mut u8 {
        if block.is_null() {
            return self.alloc(bytes);
        }
        // SAFETY: as the caller says.
        self.0.or_null(unsafe { self.0.resize(block, bytes) })
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

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    fn region(bytes: usize) -> Memory {
        Memory::new(bytes).expect("there is memory")
    }

    /// The bytes of an image, but for those of its beginning, of which some are nothing's.
    fn bytes(image: &Image) -> Vec<u8> {
        let blocks = image.start[size_of::<Taken>()..].iter();
        // SAFETY: they were zero until they were written.
        blocks.map(|byte| unsafe { byte.assume_init() }).chain(image.tail).collect()
    }

    /// Bytes of the blocks that are not free.
    fn taken(memory: &Memory) -> usize {
        // SAFETY: it was written when the region was made.
        unsafe { (*memory.0.taken()).bytes }
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
        assert_eq!(taken(memory), bytes);
    }

    #[test]
    fn blocks_keep_apart_and_a_region_put_back_is_as_it_was() {
        let mut random = StdRng::seed_from_u64(7);
        let mut memory = region(64 << 20);
        let mut held = Vec::new();
        churn(&mut memory, &mut held, &mut random, 400);
        let image = memory.image();
        for _ in 0..20 {
            let before: Vec<_> = held.iter().map(|one| (one.block, one.bytes, one.mark)).collect();
            churn(&mut memory, &mut held, &mut random, 400);
            held.clear();
            // SAFETY: it is of this region, nobody holds what was taken since, and nothing in it refers to anywhere.
            unsafe { memory.put_back(&image) };
            held.extend(before.into_iter().map(|(block, bytes, mark)| Held { block, bytes, mark }));
            held.iter().for_each(|one| one.check(one.bytes));
            assert!(bytes(&memory.image()) == bytes(&image), "other bytes than there were");
        }
    }

    #[test]
    fn without_room_there_is_no_block_and_what_is_freed_is_one_again() {
        let mut memory = region(1 << 20);
        let parts: Vec<_> = (0..7).map(|_| memory.alloc(100_000)).collect();
        let small = memory.alloc(16);
        assert!(parts.iter().all(|part| !part.is_null()) && !small.is_null() && !memory.has_refused());
        for bytes in [500_000, usize::MAX, usize::MAX / 2, isize::MAX as usize] {
            assert!(memory.alloc(bytes).is_null());
            // SAFETY: it is held.
            assert!(unsafe { memory.realloc(small, bytes) }.is_null());
        }
        assert!(memory.calloc(usize::MAX, 2).is_null() && memory.has_refused());
        for part in parts {
            // SAFETY: it was held until now.
            unsafe { memory.dealloc(part) };
        }
        let zeroed = memory.calloc(1_000, 650);
        // SAFETY: it has so many bytes.
        assert!(unsafe { std::slice::from_raw_parts(zeroed, 650_000) }.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn no_more_is_held_at_once_than_the_limit() {
        let mut memory = region(1 << 20);
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
            assert!(!memory.realloc(second, 2_048).is_null());
        }
        // There is no block without bytes.
        assert!(memory.alloc(0).is_null());
    }

    #[test]
    fn a_region_is_never_more_than_one() {
        let error = Memory::new(MOST + 1).map(drop).expect_err("it is too large");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn blocks_that_grow_in_turn_leave_no_holes() {
        let mut memory = region(4 << 20);
        let mut blocks = [memory.alloc(16), memory.alloc(16)];
        for step in 1..64 {
            for block in &mut blocks {
                // SAFETY: it is held.
                *block = unsafe { memory.realloc(*block, step * 16 * 1024) };
                assert!(!block.is_null(), "step {step}");
            }
        }
    }
}

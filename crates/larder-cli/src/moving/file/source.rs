//! Where an export comes from.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use crate::failure::{Failure, Outcome};

/// The first bytes of what zstd has compressed.
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// Opens a file.
pub(crate) fn open(path: &Path) -> Outcome<File> {
    File::open(path).map_err(|error| Failure::at(path.display(), &error))
}

/// All of the standard input, in a file that goes with the process: it is read twice.
pub(crate) fn spooled() -> Outcome<File> {
    let spool = || {
        let mut file = tempfile::tempfile()?;
        io::copy(&mut io::stdin().lock(), &mut file)?;
        Ok(file)
    };
    spool().map_err(|error| Failure::at("the standard input", &error))
}

/// The lines of a file from its beginning, whether it is compressed or not.
pub(crate) fn lines(file: &File) -> io::Result<Box<dyn BufRead + '_>> {
    let mut file = file;
    file.seek(SeekFrom::Start(0))?;
    let mut first = Vec::with_capacity(ZSTD.len());
    file.take(ZSTD.len() as u64).read_to_end(&mut first)?;
    file.seek(SeekFrom::Start(0))?;
    if first == ZSTD {
        return Ok(Box::new(BufReader::new(zstd::Decoder::new(file)?)));
    }
    Ok(Box::new(BufReader::new(file)))
}

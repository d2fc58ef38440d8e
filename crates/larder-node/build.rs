//! What linkers have to know of an addon.

fn main() {
    napi_build::setup();
}

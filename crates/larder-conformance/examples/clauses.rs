//! Prints which cases prove which clause of the contract.

fn main() {
    print!("{}", larder_conformance::table());
}

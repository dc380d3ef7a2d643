//! The host's dense kernel is in the vector unit: what stands in this program is looked at.
#![cfg(all(target_arch = "x86_64", target_os = "linux", not(target_feature = "avx")))]

use nervecord::generated::{Dense8, Dense16, Quad, pack_dense8, pack_dense16};
use object::{Object, ObjectSection, ObjectSymbol};

/// `PMADDWD`, whose registers above 7 put a prefix before the last two bytes.
const PMADDWD: [u8; 2] = [0x0f, 0xf5];

/// How often the instruction stands in the functions whose symbol has `name` in it.
fn count(program: &object::File, name: &str) -> usize {
    let functions = program.symbols().filter(|s| s.name().is_ok_and(|n| n.contains(name)));
    let code = functions.filter_map(|symbol| {
        let section = program.section_by_index(symbol.section_index()?).ok()?;
        section.data_range(symbol.address(), symbol.size()).ok()?
    });
    code.map(|code| code.windows(2).filter(|bytes| *bytes == PMADDWD).count()).sum()
}

#[test]
fn dense_layers_multiply_in_vectors() {
    // Both kernels run, so the linker keeps them.
    let mut x = [Quad([1, 2, 3, 4])];
    let mut y = [Quad::default(); 2];
    let stream: [u32; 15] = pack_dense8(&[[1; 4]; 5], &[0; 5], &[1; 5], 0);
    Dense8::new(4, 5, &stream, false).run(&mut x, &mut y);
    let stream: [u32; 20] = pack_dense16(&[[1; 4]; 5], &[0; 5], &[1; 5], 0);
    Dense16::new(4, 5, &stream, false).run(&mut x, &mut y);

    let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let program = object::File::parse(&*bytes).unwrap();
    for kernel in ["dense_i8", "dense_i16"] {
        // Of four rows at a time, and of one.
        assert!(count(&program, kernel) >= 2, "{kernel}");
    }
}

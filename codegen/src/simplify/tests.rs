use super::simplify;
use crate::graph::expr::{Expr, Function};
use crate::graph::{Dense, Graph, Layer};
use crate::reference;

fn c(value: f64) -> Expr {
    Expr::Const(value)
}

fn dense(rows: &[&[f64]]) -> Layer {
    let weights = rows.iter().map(|r| r.to_vec()).collect();
    Layer::Dense(Dense::new(weights, (0..rows.len()).map(|k| k as f64 - 0.5).collect()))
}

fn affine(scale: &[f64], offset: &[f64]) -> Layer {
    Layer::Affine { scale: scale.to_vec(), offset: offset.to_vec() }
}

/// The kinds left, after checking that the outputs are the same.
fn kinds(graph: &Graph) -> Vec<&'static str> {
    let simple = simplify(graph.clone());
    for x in [[0.3, -1.2], [2.0, 0.7], [-0.4, 0.0]] {
        let rows = [x.to_vec()];
        let (before, after) = (reference::run(graph, &rows), reference::run(&simple, &rows));
        for (a, b) in before.iter().flatten().zip(after.iter().flatten()) {
            assert!((a - b).abs() < 1e-12 * (1.0 + a.abs()), "{before:?} {after:?}");
        }
    }
    simple.nodes.iter().map(|n| n.layer.kind()).collect()
}

fn graph() -> Graph {
    Graph::new("net", "x", 2)
}

#[test]
fn affine_layers_disappear_into_dense_ones() {
    let mut g = graph();
    g.push("in", affine(&[2.0, 3.0], &[1.0, -1.0]), &[0]).unwrap();
    g.push("a", dense(&[&[1.0, 2.0], &[3.0, 4.0]]), &[1]).unwrap();
    g.push("after", affine(&[0.5, 2.0], &[0.0, 1.0]), &[2]).unwrap();
    g.push("f", Layer::Map(Expr::relu()), &[3]).unwrap();
    g.push("half", Layer::Map(Expr::X.mul(c(0.5))), &[4]).unwrap();
    g.push("b", dense(&[&[1.0, -1.0]]), &[5]).unwrap();
    assert_eq!(kinds(&g), ["dense", "map", "dense"]);
}

#[test]
fn an_affine_layer_with_other_readers_stays() {
    let mut g = graph();
    g.push("in", affine(&[2.0, 3.0], &[1.0, -1.0]), &[0]).unwrap();
    g.push("a", dense(&[&[1.0, 2.0], &[3.0, 4.0]]), &[1]).unwrap();
    g.push("sum", Layer::Add { factors: [1.0, 1.0] }, &[1, 2]).unwrap();
    assert_eq!(kinds(&g), ["affine", "dense", "add"]);
}

#[test]
fn elementwise_graphs_of_one_tensor_become_one_function() {
    let mut g = graph();
    let x = g.push("d", dense(&[&[1.0, 2.0], &[3.0, 4.0]]), &[0]).unwrap();
    let s = g.push("s", Layer::Map(Expr::call(Function::Sigmoid)), &[x]).unwrap();
    let silu = g.push("silu", Layer::Mul, &[x, s]).unwrap();
    let square = g.push("square", Layer::Mul, &[silu, silu]).unwrap();
    g.push("sum", Layer::Add { factors: [2.0, -1.0] }, &[square, x]).unwrap();
    assert_eq!(kinds(&g), ["dense", "map"]);
}

#[test]
fn functions_of_different_tensors_stay_apart() {
    let mut g = graph();
    let a = g.push("a", dense(&[&[1.0, 2.0]]), &[0]).unwrap();
    let b = g.push("b", dense(&[&[3.0, 4.0]]), &[0]).unwrap();
    let s = g.push("s", Layer::Map(Expr::call(Function::Sigmoid)), &[b]).unwrap();
    g.push("gate", Layer::Mul, &[a, s]).unwrap();
    assert_eq!(kinds(&g), ["dense", "dense", "map", "mul"]);
}

#[test]
fn expressions_do_not_explode() {
    let mut g = graph();
    let mut x = 0;
    for k in 0..40 {
        let t = g.push(format!("t{k}"), Layer::Map(Expr::call(Function::Tanh)), &[x]).unwrap();
        x = g.push(format!("m{k}"), Layer::Mul, &[t, x]).unwrap();
    }
    let simple = simplify(g.clone());
    assert!(simple.nodes.len() < g.nodes.len());
    assert!(kinds(&g).len() < 60);
}

#[test]
fn dense_layers_merge_only_where_that_is_cheaper() {
    let wide: Vec<Vec<f64>> = (0..6).map(|k| vec![f64::from(k), 1.0]).collect();
    let rows: Vec<&[f64]> = wide.iter().map(Vec::as_slice).collect();
    let mut g = graph();
    let a = g.push("a", dense(&rows), &[0]).unwrap();
    g.push("b", dense(&[&[1.0; 6]]), &[a]).unwrap();
    assert_eq!(kinds(&g), ["dense"]);
    let mut g = graph();
    let a = g.push("a", dense(&[&[1.0, 2.0]]), &[0]).unwrap();
    g.push("b", dense(&[&[1.0], &[2.0], &[3.0]]), &[a]).unwrap();
    assert_eq!(kinds(&g), ["dense", "dense"]);
}

#[test]
fn sums_of_dense_layers_are_dense_layers() {
    let mut g = graph();
    let f = g.push("f", Layer::Map(Expr::relu()), &[0]).unwrap();
    let a = g.push("a", dense(&[&[1.0, 2.0]]), &[0]).unwrap();
    let b = g.push("b", dense(&[&[3.0, 4.0]]), &[f]).unwrap();
    g.push("sum", Layer::Add { factors: [2.0, -1.0] }, &[a, b]).unwrap();
    assert_eq!(kinds(&g), ["map", "concat", "dense"]);
    let mut g = graph();
    let a = g.push("a", dense(&[&[1.0, 2.0]]), &[0]).unwrap();
    let b = g.push("b", dense(&[&[3.0, 4.0]]), &[0]).unwrap();
    g.push("sum", Layer::Add { factors: [2.0, -1.0] }, &[a, b]).unwrap();
    assert_eq!(kinds(&g), ["dense"]);
}

#[test]
fn heads_on_heads_read_the_logits() {
    let mut g = graph();
    let l = g.push("l", Layer::LogSoftmax, &[0]).unwrap();
    let p = g.push("p", Layer::Softmax, &[l]).unwrap();
    g.push("a", Layer::ArgMax, &[p]).unwrap();
    assert_eq!(kinds(&g), ["argmax"]);
}

#[test]
fn selections_compose_and_prune_rows() {
    let mut g = graph();
    let a = g.push("a", dense(&[&[1.0, 2.0], &[3.0, 4.0], &[5.0, 6.0]]), &[0]).unwrap();
    let s = g.push("s", Layer::Select(vec![2, 1]), &[a]).unwrap();
    g.push("t", Layer::Select(vec![1]), &[s]).unwrap();
    assert_eq!(kinds(&g), ["dense"]);
    assert_eq!(simplify(g).macs(), 2);
    let mut g = graph();
    let f = g.push("f", Layer::Map(Expr::relu()), &[0]).unwrap();
    let j = g.push("j", Layer::Concat, &[f, 0]).unwrap();
    g.push("s", Layer::Select(vec![0, 1]), &[j]).unwrap();
    assert_eq!(kinds(&g), ["map"]);
}

#[test]
fn a_network_that_changes_nothing_keeps_one_layer() {
    let mut g = graph();
    g.push("same", affine(&[1.0, 1.0], &[0.0, 0.0]), &[0]).unwrap();
    assert_eq!(kinds(&g), ["affine"]);
}

#[test]
fn unread_layers_go_and_the_output_keeps_its_name() {
    let mut g = graph();
    g.push("dead", Layer::Softmax, &[0]).unwrap();
    let a = g.push("a", Layer::Softmax, &[0]).unwrap();
    g.push("y", Layer::Select(vec![0, 1]), &[a]).unwrap();
    let simple = simplify(g);
    assert_eq!((simple.nodes.len(), simple.tensors.len()), (1, 2));
    assert_eq!(simple.tensors[simple.output].name, "y");
}

/// A GRU's update of a state of `[2, 2]` features whose parts are updated by gates of `gate` of the input.
fn joined_states(gate: Expr) -> Graph {
    let mut g = graph();
    let h = g.push_state("h", vec![0.1, 0.2, 0.3, 0.4]);
    let z = g.push("z", Layer::Map(gate), &[0]).unwrap();
    let n = g.push("n", Layer::Map(Expr::call(Function::Tanh)), &[0]).unwrap();
    let part = |g: &mut Graph, k: usize| {
        let part = g.push(format!("part{k}"), Layer::Select(vec![2 * k, 2 * k + 1]), &[h]).unwrap();
        g.push(format!("update{k}"), Layer::GruUpdate, &[z, n, part]).unwrap()
    };
    let (first, second) = (part(&mut g, 0), part(&mut g, 1));
    let next = g.push("next", Layer::Concat, &[first, second]).unwrap();
    g.close_state(h, next).unwrap();
    g.push("y", Layer::Add { factors: [1.0, -2.0] }, &[first, second]).unwrap();
    g
}

/// Both graphs over several steps.
fn same_over_time(graph: &Graph, simple: &Graph) {
    let rows: Vec<Vec<f64>> = (0..9).map(|k| vec![f64::from(k) / 9.0, f64::from(5 - k)]).collect();
    let (before, after) =
        (reference::run_with_states(graph, &rows), reference::run_with_states(simple, &rows));
    let all = |(y, h): &(Vec<Vec<f64>>, Vec<Vec<f64>>)| [y.concat(), h.concat()].concat();
    for (a, b) in all(&before).iter().zip(all(&after)) {
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }
}

#[test]
fn a_state_joined_from_parts_is_a_state_a_part_in_its_place() {
    let g = joined_states(Expr::call(Function::Sigmoid));
    let simple = simplify(g.clone());
    same_over_time(&g, &simple);
    assert_eq!(simple.states.len(), 2);
    let kinds: Vec<_> = simple.nodes.iter().map(|n| n.layer.kind()).collect();
    assert_eq!(kinds, ["map", "map", "gru update", "gru update", "add"]);
    assert_eq!(simple.states[1].bound, Some(1.0), "a mean of a tangent and of what was there");
}

#[test]
fn an_update_by_what_is_no_fraction_becomes_products_and_sums() {
    let g = joined_states(Expr::relu());
    let simple = simplify(g.clone());
    same_over_time(&g, &simple);
    assert!(simple.nodes.iter().all(|n| n.layer != Layer::GruUpdate));
    assert_eq!(simple.states[0].bound, None);
}

#[test]
fn an_update_of_what_is_no_state_becomes_products_and_sums() {
    let mut g = graph();
    let sigmoid = || Layer::Map(Expr::call(Function::Sigmoid));
    let i = g.push("i", sigmoid(), &[0]).unwrap();
    let c = g.push("c", Layer::Map(Expr::call(Function::Sin)), &[0]).unwrap();
    g.push("y", Layer::LstmUpdate, &[i, c, i, 0]).unwrap();
    assert!(!kinds(&g).contains(&"lstm update"));
}

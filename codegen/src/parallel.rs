//! Work on all cores. Stands on nothing.

use std::thread;

/// `work` on every item, in their order.
///
/// # Panics
/// `work` panics.
pub fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = processors().min(items.len());
    if threads < 2 {
        return items.iter().map(work).collect();
    }
    let work = &work;
    thread::scope(|scope| {
        let share = items.len().div_ceil(threads);
        let shares = items.chunks(share).map(|own| scope.spawn(|| own.iter().map(work).collect()));
        let running: Vec<thread::ScopedJoinHandle<'_, Vec<R>>> = shares.collect();
        let done = running.into_iter().map(thread::ScopedJoinHandle::join);
        done.flat_map(|own| own.unwrap_or_else(|cause| std::panic::resume_unwind(cause))).collect()
    })
}

/// `work` on every item at once: a thread each.
///
/// # Panics
/// `work` panics.
pub fn each<T: Send>(items: &mut [T], work: impl Fn(&mut T) + Sync) {
    let Some((last, others)) = items.split_last_mut() else { return };
    let work = &work;
    thread::scope(|scope| {
        others.iter_mut().for_each(|item| drop(scope.spawn(move || work(item))));
        work(last);
    });
}

/// How many threads run at once.
pub fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_item_is_worked_on_once() {
        for n in [0, 1, 2, 7] {
            let mut items = vec![1; n];
            super::each(&mut items, |item| *item += 1);
            assert_eq!(items, vec![2; n]);
        }
    }

    #[test]
    fn results_are_in_the_order_of_the_items() {
        for n in [0, 1, 2, 3, 7, 100] {
            let items: Vec<usize> = (0..n).collect();
            let squares: Vec<usize> = items.iter().map(|i| i * i).collect();
            assert_eq!(super::map(&items, |i| i * i), squares);
        }
    }
}

package bascule.listen;

import java.util.ArrayList;
import java.util.List;

/// The addresses that are drained now. Written by one thread at a time, asked by each loop for each connection that comes.
final class Drains {
    private volatile List<AddressDrain> all = List.of();

    List<AddressDrain> all() {
        return all;
    }

    void add(AddressDrain drain) {
        var more = new ArrayList<>(all);
        more.add(drain);
        all = List.copyOf(more);
    }

    void remove(AddressDrain drain) {
        var rest = new ArrayList<>(all);
        rest.remove(drain);
        all = List.copyOf(rest);
    }
}

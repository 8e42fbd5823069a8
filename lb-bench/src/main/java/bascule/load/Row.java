package bascule.load;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/// All slices of one proxy under one workload.
final class Row {
    private final Proxy proxy;
    private final TreeMap<Integer, Sample> measured = new TreeMap<>();
    private final List<String> faults = new ArrayList<>();
    private int dropped;

    Row(Proxy proxy) {
        this.proxy = proxy;
    }

    Proxy proxy() {
        return proxy;
    }

    void add(int round, Sample sample) {
        switch (sample.slice()) {
            case Slice.Measured _ -> measured.put(round, sample);
            case Slice.Dropped _ -> dropped++;
            case Slice.Failed(String why) -> faults.add(why);
        }
    }

    int measured() {
        return measured.size();
    }

    int dropped() {
        return dropped;
    }

    List<String> faults() {
        return faults;
    }

    /// A row with a fault, or with half its slices missing, is no result.
    boolean failed(int rounds) {
        return !faults.isEmpty() || measured.size() * 2 < rounds;
    }

    List<Double> all(ToDoubleFunction<Sample> of) {
        return measured.values().stream().map(of::applyAsDouble).toList();
    }

    List<Double> allSeen(ToDoubleFunction<Slice.Measured> of) {
        return all(sample -> sample.slice() instanceof Slice.Measured m ? of.applyAsDouble(m) : 0);
    }

    /// Share of the proxy's CPU that went to others.
    double disturbance() {
        return Stats.median(all(sample -> sample.proxyBusy() - sample.own()));
    }

    /// CPU per request against another row's, round by round; a round that lacks either is left out.
    List<Double> ratiosTo(Row base) {
        List<Double> ratios = new ArrayList<>();
        measured.forEach(
                (round, sample) -> {
                    Sample other = base.measured.get(round);
                    if (other != null) ratios.add(sample.cpuMicros() / other.cpuMicros());
                });
        return ratios;
    }
}

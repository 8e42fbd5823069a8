package bascule.load;

import bascule.harness.Unavailable;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/// The servers behind the proxies: one native process, three ports.
record Origin(Child child, List<Integer> ports) {
    static Origin start(Bed bed, int cpu) throws IOException, InterruptedException, Unavailable {
        Child child = bed.start(cpu, "origin", List.of(bed.nativeTool("origin"), "0", "0", "0"));
        String ports = child.await("ports ", 0, Duration.ofSeconds(5));
        return new Origin(child, Stream.of(ports.split(" ")).map(Integer::valueOf).toList());
    }

    /// Requests answered so far on all ports.
    long answered() throws IOException, Unavailable {
        if (!child.process().isAlive()) throw new Unavailable("the origin ended: " + child.tail());
        return Http.get("http://127.0.0.1:" + ports.getFirst() + "/count")
                .lines()
                .mapToLong(line -> Long.parseLong(line.substring(line.indexOf(' ') + 1)))
                .sum();
    }
}

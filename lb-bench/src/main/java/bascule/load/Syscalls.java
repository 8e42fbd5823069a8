package bascule.load;

import bascule.harness.Unavailable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/// System calls per request of each proxy, counted by strace. It slows a proxy down several times, so requests arrive
/// in larger batches than in life: the counts are right, no time measured here is.
final class Syscalls {
    private static final Set<String> RECEIVE =
            Set.of("read", "readv", "recvfrom", "recvmsg", "recvmmsg");
    private static final Set<String> SEND =
            Set.of("write", "writev", "sendto", "sendmsg", "sendmmsg", "sendfile", "pwrite64");
    private static final Set<String> WAIT = Set.of("epoll_wait", "epoll_pwait", "epoll_pwait2");

    private Syscalls() {}

    static boolean run(Options options, Bed bed, Report report)
            throws IOException, InterruptedException, Unavailable {
        Origin origin = Origin.start(bed, Bed.LOAD_CPU);
        Contender.Setup setup = Contender.Setup.of(options, origin, bed);
        boolean fine = true;
        for (Workload load : options.workloads()) {
            Report.say("");
            Report.say(
                    "%s: %s: system calls per request, access log %s",
                    load.name(), load.what(), options.log() ? "on" : "off");
            Report.say(
                    "%-10s %8s %8s %8s %8s %8s %9s  %s",
                    "proxy",
                    "recv",
                    "send",
                    "wait",
                    "other",
                    "total",
                    "requests",
                    "most of the other");
            for (Proxy proxy : options.proxies()) {
                fine &= run(proxy, setup, load, options, bed, report);
            }
        }
        return fine;
    }

    private static boolean run(
            Proxy proxy,
            Contender.Setup setup,
            Workload load,
            Options options,
            Bed bed,
            Report report)
            throws IOException, InterruptedException {
        return Contender.visit(
                proxy,
                setup,
                bed,
                report,
                started -> {
                    String unfit = started.unfitFor(load);
                    if (unfit.isEmpty()) run(started, load, options, bed, report);
                    else report.saySkipped(proxy, new Unavailable(load.name() + ": " + unfit));
                });
    }

    private static void run(Contender of, Workload load, Options options, Bed bed, Report report)
            throws IOException, InterruptedException, Unavailable {
        Slice.take(
                bed,
                load,
                of.portFor(load),
                of.proxy().isJvm() ? Math.max(1, options.warmupSeconds()) : 1);
        List<ProcessHandle> family = Proc.family(of.child().process().toHandle());
        Path counts = bed.file("strace-" + of.port());
        List<String> command =
                new ArrayList<>(
                        List.of("strace", "-c", "-f", "-U", "calls,name", "-o", "" + counts));
        family.forEach(each -> command.addAll(List.of("-p", Long.toString(each.pid()))));
        Child strace = bed.start(Bed.PROXY_CPU, "strace", command);
        // It says `Process PID attached`, with more words if there are threads, once for each.
        strace.await("strace: Process ", family.size() - 1, Duration.ofSeconds(10));
        long before = of.servers().answered();
        Slice slice = Slice.take(bed, load, of.portFor(load), options.seconds());
        long requests = of.servers().answered() - before;
        strace.process().destroy(); // SIGTERM: it detaches and writes its table.
        strace.process().waitFor(10, TimeUnit.SECONDS);
        if (!(slice instanceof Slice.Measured)) throw new Unavailable(slice.toString());
        Map<String, Long> calls = read(counts);
        double received = share(calls, RECEIVE, requests);
        double sent = share(calls, SEND, requests);
        double waited = share(calls, WAIT, requests);
        double total = share(calls, calls.keySet(), requests);
        double other = total - received - sent - waited;
        String most =
                calls.entrySet().stream()
                        .filter(each -> !RECEIVE.contains(each.getKey()))
                        .filter(each -> !SEND.contains(each.getKey()))
                        .filter(each -> !WAIT.contains(each.getKey()))
                        .sorted(Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder()))
                        .limit(6)
                        .map(
                                each ->
                                        "%s %.2f"
                                                .formatted(
                                                        each.getKey(),
                                                        (double) each.getValue() / requests))
                        .collect(Collectors.joining(", "));
        Report.say(
                "%-10s %8.2f %8.2f %8.2f %8.2f %8.2f %9d  %s",
                of.proxy(), received, sent, waited, other, total, requests, most);
        report.add(
                report.line("syscalls")
                        .put("workload", load.name())
                        .put("proxy", "" + of.proxy())
                        .put("requests", requests)
                        .put("receive", received)
                        .put("send", sent)
                        .put("wait", waited)
                        .put("other", other)
                        .put("total", total)
                        .put("mostOther", most));
    }

    /// Lines `COUNT NAME` between two rulers, then a total.
    private static Map<String, Long> read(Path counts) throws IOException {
        Map<String, Long> calls = new LinkedHashMap<>();
        for (String line : Files.readAllLines(counts)) {
            String[] words = line.strip().split(" +");
            if (words.length != 2 || !words[0].matches("\\d+") || words[1].equals("total"))
                continue;
            calls.merge(words[1], Long.valueOf(words[0]), Long::sum);
        }
        return calls;
    }

    private static double share(Map<String, Long> calls, Set<String> names, long requests) {
        long sum = 0;
        for (Map.Entry<String, Long> each : calls.entrySet()) {
            if (names.contains(each.getKey())) sum += each.getValue();
        }
        return (double) sum / requests;
    }
}

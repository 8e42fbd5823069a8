package bascule;

import bascule.testing.Wire;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;

/// What clients sent and got, as they themselves saw it. Servers say who they are in `X-Server`.
final class SentTraffic {
    /// One exchange.
    ///
    /// @param node where it was sent to, as Prometheus calls it
    /// @param code as the metric has it, such as `2xx`
    /// @param received bytes that the client sent
    /// @param sent bytes that the client got
    record Exchange(
            String node,
            String listener,
            String backend,
            String server,
            String code,
            long received,
            long sent) {}

    private final Queue<Exchange> all = new ConcurrentLinkedQueue<>();

    static String request(String path) {
        return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    }

    /// Sends bytes on a connection of their own and takes the answer.
    void ask(String node, InetSocketAddress to, String listener, String backend, String request)
            throws IOException {
        try (Wire wire = Wire.connect(to)) {
            wire.send(request);
            note(node, listener, backend, request, wire.receiveRest());
        }
    }

    void note(String node, String listener, String backend, String request, String answer) {
        String server = answer.replaceAll("(?s).*\r\nX-Server: (\\w+)\r\n.*|.*", "$1");
        add(
                new Exchange(
                        node,
                        listener,
                        backend,
                        server.isEmpty() ? "none" : server,
                        answer.charAt("HTTP/1.1 ".length()) + "xx",
                        request.length(),
                        answer.length()));
    }

    void add(Exchange exchange) {
        all.add(exchange);
    }

    int size() {
        return all.size();
    }

    /// Sums, by what is alike.
    Map<String, Double> sums(
            Function<Exchange, String> alike,
            Predicate<Exchange> which,
            ToLongFunction<Exchange> what,
            double scale) {
        var sums = new TreeMap<String, Double>();
        for (Exchange each : all)
            if (which.test(each))
                sums.merge(alike.apply(each), what.applyAsLong(each) * scale, Double::sum);
        return sums;
    }

    /// How many in a second, of a window of five minutes that all were sent in.
    Map<String, Double> rates(Function<Exchange, String> alike, Predicate<Exchange> which) {
        return sums(alike, which, _ -> 1, 1 / 300.0);
    }

    Map<String, Double> rates(Function<Exchange, String> alike) {
        return rates(alike, _ -> true);
    }

    /// Of those that are alike, the share that has a code; without those that have none.
    Map<String, Double> shares(Function<Exchange, String> alike, String code) {
        Map<String, Double> part = rates(alike, each -> each.code().equals(code));
        Map<String, Double> whole = rates(alike);
        part.replaceAll((key, count) -> count / whole.get(key));
        return part;
    }
}

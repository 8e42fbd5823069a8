package bascule.acceptance;

import bascule.harness.Client;
import bascule.harness.Host;
import bascule.harness.Recording;
import bascule.harness.Shell;
import bascule.harness.Unavailable;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

/// Clients that ask at the same time, each its own question at its own pace, a new connection for each. What is not answered in
/// three seconds has failed.
final class Load implements AutoCloseable {
    static final long DEADLINE_NANOS = 3_000_000_000L;

    /// As long as the client of the drills has, so that their bounds can be held against it.
    static final long PATIENCE_NANOS = 200_000_000;

    /// Of one whose answer takes half a second.
    private static final long SLOW_PATIENCE_NANOS = 700_000_000;

    private static final long SECOND_NANOS = 1_000_000_000;
    private static final int STEADY_REQUESTS = 20;
    private static final int PATIENCE_MILLIS = 15_000;

    /// @param steady does it have to be answered before anything is done?
    private record Asked(
            String what,
            InetSocketAddress target,
            String path,
            int perSecond,
            boolean steady,
            Bar bar) {}

    private record Running(Asked asked, Client client, Recording recording) {}

    private final Host from;
    private final int mostSeconds;
    private final List<Asked> asked = new ArrayList<>();
    private final List<Running> running = new ArrayList<>();
    private long goneNanos = Long.MIN_VALUE;

    /// @param mostSeconds no longer than that
    Load(Host from, int mostSeconds) {
        this.from = from;
        this.mostSeconds = mostSeconds;
    }

    /// @param what as the report calls it
    Load ask(String what, String address, int port, String path, int perSecond, Bar bar) {
        asked.add(
                new Asked(
                        what,
                        new InetSocketAddress(address, port),
                        path,
                        perSecond,
                        !bar.allFail(),
                        bar));
        return this;
    }

    /// Begins, and waits until all are answered well; what is asked until then is not counted.
    Load begin() throws Unavailable {
        for (Asked each : asked) {
            Client client = Client.start(from, DEADLINE_NANOS);
            running.add(new Running(each, client, record(client, each)));
        }
        for (Running each : running) awaitSteady(each);
        for (int i = 0; i < running.size(); i++) {
            Running each = running.get(i);
            if (!each.asked.steady) continue;
            running.set(i, new Running(each.asked, each.client, record(each.client, each.asked)));
        }
        return this;
    }

    private Recording record(Client client, Asked each) {
        return client.record(
                List.of(each.target),
                each.path,
                SECOND_NANOS / each.perSecond,
                mostSeconds * each.perSecond);
    }

    private static void awaitSteady(Running each) throws Unavailable {
        if (!each.asked.steady) return;
        int enough = Math.min(STEADY_REQUESTS, Math.max(1, each.asked.perSecond / 4));
        for (int waited = 0; !each.recording.steady(enough); waited += 20) {
            if (waited > PATIENCE_MILLIS)
                throw new Unavailable(
                        each.asked.what + " is not served: " + each.recording.summary());
            Shell.sleep(20);
        }
    }

    /// The daemon's process is gone now: what begins from here on is not in flight.
    void gone() {
        goneNanos = System.nanoTime();
    }

    /// Waits until each is answered again, well and in a row.
    void awaitSteady() throws Unavailable {
        for (Running each : running) awaitSteady(each);
    }

    /// Ends, when all that was asked is answered or given up.
    List<View> end() {
        List<View> views = new ArrayList<>();
        for (Running each : running) each.client.stop();
        for (Running each : running)
            views.add(
                    View.of(
                            each.asked.what,
                            each.recording,
                            each.asked.path.equals("/") ? PATIENCE_NANOS : SLOW_PATIENCE_NANOS,
                            goneNanos,
                            each.asked.bar));
        return views;
    }

    @Override
    public void close() {
        for (Running each : running) each.client.close();
    }
}

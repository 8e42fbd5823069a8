package bascule.acceptance;

import bascule.harness.Client;
import bascule.harness.Host;
import bascule.harness.Nginx;
import bascule.harness.Recording;
import bascule.harness.Shell;
import bascule.harness.Unavailable;
import bascule.harness.Wait;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

/// Clients that ask at the same time, each its own question at its own pace, a new connection for each. What is not answered in
/// three seconds has failed.
final class Load {
    static final int HTTP = 80;

    /// New connections a second on a host's own address, and on a lone node's floating IP.
    static final int MANY = 500;

    /// On the pair's floating IP.
    static final int SOME = 100;

    /// Of those that take half a second each.
    static final int SLOW = 10;

    static final long DEADLINE_NANOS = 3_000_000_000L;

    /// As long as the client of the drills has, so that their bounds can be held against it.
    static final long PATIENCE_NANOS = 200_000_000;

    /// Of one whose answer takes half a second.
    private static final long SLOW_PATIENCE_NANOS = 700_000_000;

    private static final long SECOND_NANOS = 1_000_000_000;
    private static final int STEADY_REQUESTS = 20;
    private static final int PATIENCE_MILLIS = 15_000;
    private static final int BEFORE_MILLIS = 1_000;
    private static final int AFTER_MILLIS = 1_500;

    private record Asked(
            String what, InetSocketAddress target, String path, int perSecond, Bar bar) {}

    /// What is done meanwhile.
    interface Deed {
        void run() throws IOException, InterruptedException, Unavailable;
    }

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

    /// Asks for a page that is answered at once, on port 80.
    ///
    /// @param whom   as the report calls it
    Load ask(String whom, String address, int perSecond, Bar bar) {
        return ask(whom, address, HTTP, perSecond, bar);
    }

    Load ask(String whom, String address, int port, int perSecond, Bar bar) {
        return add(whom + ", " + perSecond + "/s", address, port, "/", perSecond, bar);
    }

    /// Asks for a page that takes half a second, ten times a second: some of these are always under way.
    Load askSlow(String whom, String address, Bar bar) {
        String what = whom + ", takes half a second, " + SLOW + "/s";
        return add(what, address, HTTP, Nginx.SLOW, SLOW, bar);
    }

    private Load add(String what, String address, int port, String path, int perSecond, Bar bar) {
        asked.add(new Asked(what, new InetSocketAddress(address, port), path, perSecond, bar));
        return this;
    }

    /// Asks for a moment, while something is done, until all that has a bar is answered again, and for another moment; then it is over,
    /// and what clients saw of it is found, whether or not it could be done.
    void around(Found found, Deed deed) throws IOException, InterruptedException, Unavailable {
        try {
            begin();
            Shell.sleep(BEFORE_MILLIS);
            deed.run();
            awaitSteady();
            Shell.sleep(AFTER_MILLIS);
        } finally {
            try {
                found.views(end());
            } finally {
                for (Running each : running) each.client.close();
            }
        }
    }

    /// Begins, and waits until all are answered well; what is asked until then is not counted.
    private void begin() throws IOException, InterruptedException, Unavailable {
        for (Asked each : asked) {
            Client client = Client.start(from, DEADLINE_NANOS);
            running.add(new Running(each, client, record(client, each)));
        }
        for (Running each : running)
            if (!each.asked.bar.allFail()) awaitSteady(each.asked, each.recording);
        running.replaceAll(
                each -> new Running(each.asked, each.client, record(each.client, each.asked)));
    }

    private Recording record(Client client, Asked each) {
        return client.record(
                List.of(each.target),
                each.path,
                SECOND_NANOS / each.perSecond,
                mostSeconds * each.perSecond);
    }

    private static void awaitSteady(Asked asked, Recording recording)
            throws IOException, InterruptedException, Unavailable {
        int enough = Math.min(STEADY_REQUESTS, Math.max(1, asked.perSecond / 4));
        Wait.until(
                PATIENCE_MILLIS,
                () -> recording.steady(enough),
                () -> asked.what + " is not served: " + recording.summary());
    }

    /// Waits until all that has a bar is answered again, well and in a row.
    void awaitSteady() throws IOException, InterruptedException, Unavailable {
        for (Running each : running)
            if (each.asked.bar.wantsService()) awaitSteady(each.asked, each.recording);
    }

    /// The daemon's process is gone now: what begins from here on is not in flight.
    void gone() {
        goneNanos = System.nanoTime();
    }

    /// Ends, when all that was asked is answered or given up.
    private List<View> end() {
        for (Running each : running) each.client.stop();
        return running.stream().map(this::view).toList();
    }

    private View view(Running of) {
        Asked asked = of.asked;
        long patience = asked.path.equals(Nginx.SLOW) ? SLOW_PATIENCE_NANOS : PATIENCE_NANOS;
        return View.of(asked.what, of.recording, patience, goneNanos, asked.bar);
    }
}

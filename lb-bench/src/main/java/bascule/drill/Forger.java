package bascule.drill;

import bascule.harness.Shell;
import bascule.harness.Unavailable;
import java.io.IOException;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;

/// Somebody on the LAN without the key: says again what members of the cluster have said, and what they never would.
final class Forger implements AutoCloseable {
    private static final int PORT = 7800;
    private static final int HEAR_MILLIS = 400;

    private final Wire wire;
    private final List<byte[]> heard;
    private final Thread thread = Thread.ofPlatform().name("forger").daemon().unstarted(this::run);
    private final AtomicInteger said = new AtomicInteger();
    private final boolean alters;
    private volatile boolean ended;
    private volatile String fault = "";

    private Forger(Wire wire, List<byte[]> heard, boolean alters) {
        this.wire = wire;
        this.heard = heard;
        this.alters = alters;
    }

    /// Listens for a while, then begins.
    ///
    /// @param alters are the datagrams also changed, cut, and made up?
    static Forger start(Bed bed, boolean alters)
            throws IOException, InterruptedException, Unavailable {
        List<byte[]> heard;
        try (Wire tap = Wire.open(bed.bridges(), "lan-edge1")) {
            heard = tap.hear(Wire.UDP, PORT, HEAR_MILLIS);
        }
        if (heard.isEmpty()) throw new Unavailable("the members say nothing to each other by UDP");
        Forger forger = new Forger(Wire.open(bed.host("rogue"), "lan0"), heard, alters);
        forger.thread.start();
        return forger;
    }

    /// So many datagrams.
    int said() {
        return said.get();
    }

    private void run() {
        Random random = new Random(1);
        try {
            for (int i = 0; !ended; i++) {
                byte[] frame = heard.get(i % heard.size());
                wire.say(frame);
                said.incrementAndGet();
                if (alters) {
                    wire.say(altered(frame, random));
                    said.incrementAndGet();
                }
                if (i % 4 == 3) Shell.sleep(2);
            }
        } catch (IOException e) {
            fault = String.valueOf(e.getMessage());
        }
    }

    private static byte[] altered(byte[] frame, Random random) {
        byte[] made = frame.clone();
        int from = Wire.payload(frame) + 8;
        if (from >= made.length) return made;
        switch (random.nextInt(3)) {
            case 0 ->
                    made[from + random.nextInt(made.length - from)] ^=
                            (byte) (1 << random.nextInt(8));
            case 1 -> {
                for (int i = from; i < made.length; i++) made[i] = (byte) random.nextInt();
            }
            default -> { // The first bytes as they were: version and kind.
                for (int i = Math.min(from + 4, made.length); i < made.length; i++) made[i] = 0;
            }
        }
        return made;
    }

    @Override
    public void close() throws IOException {
        ended = true;
        try {
            thread.join(1_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        wire.close();
        if (!fault.isEmpty()) throw new IOException("forger: " + fault);
    }
}

package bascule.tls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ClientHelloFuzz {
    /// Hellos per seed; under `-Plong` a hundred times as many.
    private static final int HELLOS = Boolean.getBoolean("bascule.long") ? 2_000_000 : 20_000;

    private final ClientHello hello = new ClientHello();

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenAnyHello_whenReadInAnyRecords_thenSaysWhatWasWritten(long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < HELLOS / 4; i++) {
            Drawn drawn = Drawn.from(random);
            byte[] wire = Hello.records(drawn.message(), cuts(random, drawn.message().length));
            int at = i;
            assertEquals(
                    drawn.expected(),
                    Hello.said(hello, wire),
                    () -> "seed " + seed + ", hello " + at + ": " + HexFormat.of().formatHex(wire));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {4, 5, 6})
    void givenAnyDamage_whenRead_thenAnswersStandHoweverTheBytesArrive(long seed) {
        Random random = new Random(seed);
        Map<String, Integer> verdicts = new TreeMap<>();
        for (int i = 0; i < HELLOS; i++) {
            byte[] message = Drawn.from(random).message();
            byte[] wire = damage(random, Hello.records(message, cuts(random, message.length)));
            String whole = Hello.said(hello, wire);
            int cut = random.nextInt(wire.length + 1);
            String part = Hello.said(hello, Arrays.copyOf(wire, cut));
            int at = i;
            // Once it has decided it does not change its mind, and it decides on a good one at its
            // last byte only.
            assertTrue(
                    part.equals("need more") || part.equals(whole),
                    () ->
                            "seed "
                                    + seed
                                    + ", hello "
                                    + at
                                    + ", cut "
                                    + cut
                                    + ": "
                                    + part
                                    + ", then "
                                    + whole);
            verdicts.merge(whole.startsWith("sni=") ? "read" : whole, 1, Integer::sum);
        }
        for (String verdict : new String[] {"read", "malformed", "need more", "not TLS"})
            assertTrue(
                    verdicts.getOrDefault(verdict, 0) > HELLOS / 200,
                    () -> "too few " + verdict + ": " + verdicts);
    }

    private static int[] cuts(Random random, int length) {
        int[] cuts = new int[random.nextInt(4)];
        Arrays.setAll(cuts, _ -> 1 + random.nextInt(length - 1));
        return Arrays.stream(cuts).sorted().distinct().toArray();
    }

    static byte[] damage(Random random, byte[] wire) {
        byte[] damaged = wire.clone();
        for (int n = random.nextInt(3); n >= 0 && damaged.length > 1; n--) {
            int at =
                    random.nextInt(4) == 0
                            ? random.nextInt(Math.min(9, damaged.length))
                            : random.nextInt(damaged.length);
            switch (random.nextInt(5)) {
                case 0 -> damaged[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> damaged[at] += (byte) (random.nextBoolean() ? 1 : -1);
                case 2 -> damaged[at] = (byte) random.nextInt(256);
                case 3 -> damaged = Arrays.copyOf(damaged, Math.max(1, at));
                default -> {
                    byte[] longer = new byte[damaged.length + 1];
                    System.arraycopy(damaged, 0, longer, 0, at);
                    System.arraycopy(damaged, at, longer, at + 1, damaged.length - at);
                    damaged = longer;
                }
            }
        }
        return damaged;
    }

    /// A good hello, and what there is to know of it.
    record Drawn(byte[] message, String expected) {
        static Drawn from(Random random) {
            Hello hello = new Hello();
            hello.suites.clear();
            boolean suite = false;
            for (int n = random.nextInt(20); n >= 0; n--) {
                int[] some = {
                    0x1301, 0x1302, 0xc02b, 0xc02c, 0xcca9, 0xc02f, 0xc009, 0x0a0a, 0x002f
                };
                int one = some[random.nextInt(some.length)];
                hello.suites.add(one);
                suite |= one == 0xc02b || one == 0xc02c || one == 0xcca9;
            }
            hello.sessionId = new byte[random.nextBoolean() ? 0 : 32];
            String sni = random.nextInt(4) == 0 ? null : name(random);
            boolean tls13 = random.nextBoolean();
            int signatures = random.nextInt(16); // By bit: those of Curve, and none at all.
            int groups = random.nextInt(16);
            int[] order = {0, 1, 2, 3, 4, 5};
            for (int i = order.length; i > 1; i--) {
                int other = random.nextInt(i);
                int kept = order[i - 1];
                order[i - 1] = order[other];
                order[other] = kept;
            }
            for (int one : order)
                switch (one) {
                    case 0 -> {
                        if (sni != null)
                            hello.add(
                                    Hello.SERVER_NAME,
                                    Hello.serverName(
                                            sni.getBytes(
                                                    java.nio.charset.StandardCharsets.US_ASCII)));
                    }
                    case 1 -> {
                        if (tls13) hello.add(Hello.VERSIONS, Hello.list8(0x2a2a, 0x0304, 0x0303));
                        else if (random.nextBoolean())
                            hello.add(Hello.VERSIONS, Hello.list8(0x0303, 0x0302));
                    }
                    case 2 -> {
                        if ((signatures & 8) == 0)
                            hello.add(
                                    Hello.SIGNATURES,
                                    list(signatures, 0x0804, 0x0403, 0x0503, 0x0603));
                    }
                    case 3 -> {
                        if ((groups & 8) == 0)
                            hello.add(Hello.GROUPS, list(groups, 0x11ec, 23, 24, 25));
                    }
                    default -> hello.add(100 + one, new byte[random.nextInt(300)]);
                }
            StringBuilder expected = new StringBuilder("sni=");
            expected.append(sni == null ? null : sni.toLowerCase(Locale.ROOT));
            expected.append(" tls13=").append(tls13);
            for (Curve curve : Curve.values()) {
                boolean signs = (signatures & 8) == 0 && (signatures & curve.bit) != 0;
                boolean anySigns = (signatures & 8) == 0 && (signatures & 7) != 0;
                boolean grouped = (groups & 8) == 0 && (groups & curve.bit) != 0;
                if (tls13 ? signs : anySigns && grouped && suite)
                    expected.append(' ').append(curve);
            }
            return new Drawn(hello.message(), expected.toString());
        }

        private static byte[] list(int bits, int first, int... byBit) {
            int[] values = new int[1 + Integer.bitCount(bits & 7)];
            values[0] = first;
            int n = 1;
            for (int i = 0; i < 3; i++) if ((bits & 1 << i) != 0) values[n++] = byBit[i];
            return Hello.list16(values);
        }

        private static String name(Random random) {
            String letters = "abcXYZ019-_";
            StringBuilder name = new StringBuilder();
            for (int labels = random.nextInt(4); labels >= 0; labels--) {
                for (int n = random.nextInt(12); n >= 0; n--)
                    name.append(letters.charAt(random.nextInt(letters.length())));
                if (labels > 0) name.append('.');
            }
            return name.toString();
        }
    }
}

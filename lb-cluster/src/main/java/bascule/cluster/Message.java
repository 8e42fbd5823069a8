package bascule.cluster;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/// What nodes say to each other over the membership: a kind, and what belongs to it. Numbers are big-endian, texts UTF-8 behind two bytes
/// of length.
sealed interface Message {
    /// Longer ones are refused on both sides.
    int LONGEST = 60_000;

    /// A datagram of the owner port that found no other way.
    record Datagram(byte[] sealed) implements Message {}

    /// State that is kept on every node.
    record Shared(String topic, byte[] state) implements Message {}

    /// Who a node is.
    record Introduction(String version, String configHash) implements Message {}

    /// An operator of another node wants this one to hand over.
    record HandOverOrder(long id, String floatingIp) implements Message {}

    /// What came of it.
    ///
    /// @param failure empty if there was none
    record HandOverResult(
            long id, String floatingIp, String from, String to, double[] millis, String failure)
            implements Message {}

    default byte[] bytes() {
        var bytes = new ByteArrayOutputStream();
        try (var to = new DataOutputStream(bytes)) {
            switch (this) {
                case Datagram(byte[] sealed) -> {
                    to.writeByte(1);
                    block(to, sealed);
                }
                case Shared(String topic, byte[] state) -> {
                    to.writeByte(2);
                    text(to, topic);
                    block(to, state);
                }
                case Introduction(String version, String configHash) -> {
                    to.writeByte(3);
                    text(to, version);
                    text(to, configHash);
                }
                case HandOverOrder(long id, String floatingIp) -> {
                    to.writeByte(4);
                    to.writeLong(id);
                    text(to, floatingIp);
                }
                case HandOverResult(
                                long id,
                                String floatingIp,
                                String from,
                                String into,
                                double[] millis,
                                String failure) -> {
                    to.writeByte(5);
                    to.writeLong(id);
                    text(to, floatingIp);
                    text(to, from);
                    text(to, into);
                    to.writeByte(millis.length);
                    for (double each : millis) to.writeDouble(each);
                    text(to, failure);
                }
            }
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        if (bytes.size() > LONGEST)
            throw new IllegalArgumentException("a message of " + bytes.size() + " bytes");
        return bytes.toByteArray();
    }

    /// @return null if it is none that we know: another version may know more
    static @Nullable Message of(byte[] bytes) {
        if (bytes.length > LONGEST) return null;
        try (var from = new DataInputStream(new ByteArrayInputStream(bytes))) {
            return switch (from.readByte()) {
                case 1 -> new Datagram(block(from));
                case 2 -> new Shared(text(from), block(from));
                case 3 -> new Introduction(text(from), text(from));
                case 4 -> new HandOverOrder(from.readLong(), text(from));
                case 5 ->
                        new HandOverResult(
                                from.readLong(),
                                text(from),
                                text(from),
                                text(from),
                                numbers(from),
                                text(from));
                default -> null;
            };
        } catch (IOException cutShort) {
            return null;
        }
    }

    private static void text(DataOutputStream to, String text) throws IOException {
        block(to, text.getBytes(UTF_8));
    }

    private static String text(DataInputStream from) throws IOException {
        return new String(block(from), UTF_8);
    }

    private static void block(DataOutputStream to, byte[] block) throws IOException {
        if (block.length > LONGEST)
            throw new IllegalArgumentException("a block of " + block.length + " bytes");
        to.writeShort(block.length);
        to.write(block);
    }

    private static byte[] block(DataInputStream from) throws IOException {
        var block = new byte[from.readUnsignedShort()];
        from.readFully(block);
        return block;
    }

    private static double[] numbers(DataInputStream from) throws IOException {
        var numbers = new double[from.readUnsignedByte()];
        for (int i = 0; i < numbers.length; i++) numbers[i] = from.readDouble();
        return numbers;
    }
}

package bascule.tls;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Writes ClientHellos, good and bad ones, and the records that they come in.
final class Hello {
    static final int SERVER_NAME = 0;
    static final int GROUPS = 10;
    static final int SIGNATURES = 13;
    static final int VERSIONS = 43;

    /// @param body without type and length
    record Extension(int type, byte[] body) {}

    final List<Integer> suites = new ArrayList<>(List.of(0x1301, 0xc02b, 0xc02f));
    final List<Extension> extensions = new ArrayList<>();
    byte[] sessionId = new byte[32];
    byte[] compression = {0};
    boolean noExtensions;

    /// As browsers send it, in little.
    static Hello usual(@Nullable String sni) {
        Hello hello = new Hello();
        hello.add(23, new byte[0]);
        if (sni != null) hello.add(SERVER_NAME, serverName(sni.getBytes(ISO_8859_1)));
        hello.add(GROUPS, list16(29, 23, 24));
        hello.add(SIGNATURES, list16(0x0403, 0x0804, 0x0401, 0x0503));
        hello.add(VERSIONS, list8(0x0304, 0x0303));
        hello.add(51, new byte[38]);
        return hello;
    }

    Hello add(int type, byte[] body) {
        extensions.add(new Extension(type, body));
        return this;
    }

    Hello without(int type) {
        extensions.removeIf(one -> one.type() == type);
        return this;
    }

    Hello with(int type, byte[] body) {
        return without(type).add(type, body);
    }

    static byte[] serverName(byte[] name) {
        return vector16(concat(new byte[] {0}, vector16(name)));
    }

    static byte[] list16(int... values) {
        return vector16(shorts(values));
    }

    static byte[] list8(int... values) {
        byte[] body = shorts(values);
        return concat(new byte[] {(byte) body.length}, body);
    }

    static byte[] vector16(byte[] body) {
        return concat(new byte[] {(byte) (body.length >> 8), (byte) body.length}, body);
    }

    private static byte[] shorts(int... values) {
        byte[] out = new byte[values.length * 2];
        for (int i = 0; i < values.length; i++) {
            out[2 * i] = (byte) (values[i] >> 8);
            out[2 * i + 1] = (byte) values[i];
        }
        return out;
    }

    static byte[] concat(byte[]... parts) {
        var out = new ByteArrayOutputStream();
        for (byte[] part : parts) out.writeBytes(part);
        return out.toByteArray();
    }

    /// The handshake message with its header.
    byte[] message() {
        var body = new ByteArrayOutputStream();
        body.writeBytes(new byte[] {3, 3});
        body.writeBytes(new byte[32]);
        body.write(sessionId.length);
        body.writeBytes(sessionId);
        body.writeBytes(list16(suites.stream().mapToInt(one -> one).toArray()));
        body.write(compression.length);
        body.writeBytes(compression);
        if (!noExtensions) {
            var all = new ByteArrayOutputStream();
            for (Extension one : extensions) {
                all.writeBytes(shorts(one.type()));
                all.writeBytes(vector16(one.body()));
            }
            body.writeBytes(vector16(all.toByteArray()));
        }
        return message(1, body.toByteArray());
    }

    static byte[] message(int type, byte[] body) {
        byte[] header = {
            (byte) type, (byte) (body.length >> 16), (byte) (body.length >> 8), (byte) body.length
        };
        return concat(header, body);
    }

    byte[] bytes() {
        return records(message());
    }

    /// The message in records that end at these places of it, and one for the rest.
    static byte[] records(byte[] message, int... cuts) {
        var out = new ByteArrayOutputStream();
        int from = 0;
        for (int i = 0; i <= cuts.length; i++) {
            int to = i < cuts.length ? cuts[i] : message.length;
            out.writeBytes(new byte[] {22, 3, 1});
            out.writeBytes(vector16(Arrays.copyOfRange(message, from, to)));
            from = to;
        }
        return out.toByteArray();
    }

    /// What [ClientHello] says of these bytes: `need more`, `not TLS`, `malformed`, or what it found.
    static String said(byte[] bytes) {
        return said(new ClientHello(), bytes);
    }

    static String said(ClientHello hello, byte[] bytes) {
        ByteBuf buffer = Unpooled.buffer().writeZero(3).writeBytes(bytes).skipBytes(3);
        int read = hello.read(buffer);
        if (buffer.readerIndex() != 3) throw new AssertionError("moved");
        return switch (read) {
            case ClientHello.NEED_MORE -> "need more";
            case ClientHello.NOT_TLS -> "not TLS";
            case ClientHello.MALFORMED -> "malformed";
            default -> {
                StringBuilder out =
                        new StringBuilder("sni=" + hello.sni() + " tls13=" + hello.tls13());
                for (Curve curve : Curve.values())
                    if (hello.accepts(curve)) out.append(' ').append(curve);
                yield out.toString();
            }
        };
    }
}

package bascule.health;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/// The messages of `grpc.health.v1.Health/Check`, each with the five bytes of gRPC before it: a flag for compression, and a length.
/// Protocol Buffers, so far as two fields need them.
final class GrpcHealth {
    static final String PATH = "/grpc.health.v1.Health/Check";

    /// Says that the server, or its service, is well.
    static final int SERVING = 1;

    static final int MALFORMED = -1;

    private static final String[] STATUS = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};

    /// Field 1 of `HealthCheckRequest`, `service`: a text.
    private static final int SERVICE = 1 << 3 | 2;

    /// Field 1 of `HealthCheckResponse`, `status`: a number.
    private static final int RESPONSE_STATUS = 1 << 3;

    private GrpcHealth() {}

    /// @param service empty = the server as a whole; up to 256 bytes
    static ByteBuf request(String service) {
        byte[] name = service.getBytes(UTF_8);
        ByteBuf message = Unpooled.buffer(5 + 3 + name.length).writeZero(5);
        if (name.length > 0) {
            message.writeByte(SERVICE);
            if (name.length >= 0x80) message.writeByte(name.length & 0x7f | 0x80);
            message.writeByte(name.length >= 0x80 ? name.length >>> 7 : name.length);
            message.writeBytes(name);
        }
        return message.setInt(1, message.readableBytes() - 5);
    }

    /// Reads a response, all of it.
    ///
    /// @return the status, 0 or more, or [#MALFORMED]
    static int status(ByteBuf in) {
        if (in.readableBytes() < 5 || in.readByte() != 0) return MALFORMED;
        if (in.readInt() != in.readableBytes()) return MALFORMED;
        int status = 0; // What is not there has its default.
        while (in.isReadable()) {
            long tag = number(in);
            switch ((int) tag & 7) {
                case 0 -> {
                    long value = number(in);
                    if (value < 0) return MALFORMED;
                    if (tag == RESPONSE_STATUS) status = (int) Math.min(value, Integer.MAX_VALUE);
                }
                case 2 -> {
                    long bytes = number(in);
                    if (bytes < 0 || bytes > in.readableBytes()) return MALFORMED;
                    in.skipBytes((int) bytes);
                }
                default -> {
                    return MALFORMED;
                }
            }
        }
        return status;
    }

    /// A number of up to nine bytes; -1 if it is longer, or cut.
    private static long number(ByteBuf in) {
        long number = 0;
        for (int shift = 0; shift < 63; shift += 7) {
            if (!in.isReadable()) return -1;
            byte b = in.readByte();
            number |= (long) (b & 0x7f) << shift;
            if (b >= 0) return number;
        }
        return -1;
    }

    /// As gRPC writes it.
    static String name(int status) {
        return status < STATUS.length ? STATUS[status] : "status " + status;
    }
}

package bascule;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.Serial;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Asks a daemon over its admin socket: HTTP/1.1 (RFC 9112), one connection for each question. What cannot be asked or
/// understood is an [IOException] whose message is the line for the operator.
final class AdminClient {
    /// Of an answer that no command delays.
    static final Duration PATIENCE = Duration.ofSeconds(10);

    private static final int HEAD_BYTES = 16 << 10;
    private static final int BODY_BYTES = 64 << 20; // The status of some 100,000 servers.

    private static final Pattern STATUS_LINE = Pattern.compile("HTTP/1\\.1 ([2-5]\\d\\d) .*");
    private static final Pattern LENGTH =
            Pattern.compile("content-length: *(\\d{1,9})", Pattern.CASE_INSENSITIVE);

    private final Path socket;

    /// @param status of HTTP
    record Answer(int status, String body) {}

    AdminClient(Path socket) {
        this.socket = socket;
    }

    Answer get(String path) throws IOException {
        return ask("GET", path, PATIENCE);
    }

    /// @param path percent-encoded
    /// @param patience for the whole of it
    Answer ask(String method, String path, Duration patience) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            Thread watch = Thread.ofVirtual().start(() -> closeAfter(patience, channel));
            try {
                connect(channel);
                send(method + " " + path, channel);
                return answer(channel);
            } catch (ClosedChannelException e) { // Nobody else closes it.
                throw failure("no answer within " + patience.toSeconds() + " s", e);
            } finally {
                watch.interrupt();
            }
        } catch (Failure e) {
            throw e;
        } catch (IOException e) {
            throw failure(String.valueOf(e.getMessage()), e);
        }
    }

    /// A message that is complete.
    private static final class Failure extends IOException {
        @Serial private static final long serialVersionUID = 1;

        Failure(String message, Throwable cause) {
            super(message, cause);
        }
    }

    private Failure failure(String what, Throwable cause) {
        return new Failure("cannot talk to " + socket + ": " + what, cause);
    }

    /// The blocking calls of a Unix channel know no time-out.
    private static void closeAfter(Duration patience, SocketChannel channel) {
        try {
            Thread.sleep(patience);
            channel.close();
        } catch (InterruptedException _) {
            // It was fast enough.
        } catch (IOException e) {
            throw new IllegalStateException("a socket cannot be closed", e);
        }
    }

    private void connect(SocketChannel channel) throws IOException {
        try {
            channel.connect(UnixDomainSocketAddress.of(socket));
        } catch (ClosedChannelException e) {
            throw e;
        } catch (IOException e) {
            throw failure(reason(e), e);
        }
    }

    /// The exceptions of a connect tell little apart but by words, which depend on the locale.
    private String reason(IOException refused) {
        String nobody =
                "no daemon listens there (expected: a running bascule; --socket PATH for another)";
        if (refused instanceof ConnectException) return nobody;
        try {
            Files.readAttributes(socket, BasicFileAttributes.class);
            if (!Files.isWritable(socket)) throw new AccessDeniedException(socket.toString());
            return String.valueOf(refused.getMessage());
        } catch (NoSuchFileException _) {
            return nobody;
        } catch (AccessDeniedException _) {
            return "permission denied (expected: to be root, or of the socket's user or group)";
        } catch (IOException _) {
            return String.valueOf(refused.getMessage());
        }
    }

    private static void send(String what, SocketChannel channel) throws IOException {
        String request =
                what
                        + " HTTP/1.1\r\nHost: bascule\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        ByteBuffer bytes = ByteBuffer.wrap(request.getBytes(ISO_8859_1));
        while (bytes.hasRemaining()) channel.write(bytes);
    }

    private Answer answer(SocketChannel channel) throws IOException {
        var all = new ByteArrayOutputStream();
        byte[] some = new byte[16 << 10];
        int headEnd = -1;
        String head = "";
        while (headEnd < 0) {
            if (all.size() > HEAD_BYTES || !receive(channel, some, all))
                throw strange(all.size() == 0 ? "closed without an answer" : "no HTTP answer");
            head = all.toString(ISO_8859_1);
            headEnd = head.indexOf("\r\n\r\n");
        }
        Matcher status = STATUS_LINE.matcher(head.substring(0, head.indexOf("\r\n")));
        int length = length(head.substring(0, headEnd));
        if (!status.matches() || length < 0) throw strange("no HTTP answer");
        if (length > BODY_BYTES) throw strange("an answer of " + length + " bytes");
        int end = headEnd + 4 + length;
        while (all.size() < end)
            if (!receive(channel, some, all)) throw strange("the answer breaks off");
        return new Answer(
                Integer.parseInt(status.group(1)),
                new String(all.toByteArray(), headEnd + 4, length, UTF_8));
    }

    /// @return -1 if there is none
    private static int length(String head) {
        for (String line : head.split("\r\n", -1)) {
            Matcher length = LENGTH.matcher(line);
            if (length.matches()) return Integer.parseInt(length.group(1));
        }
        return -1;
    }

    private static boolean receive(SocketChannel channel, byte[] some, ByteArrayOutputStream into)
            throws IOException {
        int read = channel.read(ByteBuffer.wrap(some));
        if (read < 0) return false;
        into.write(some, 0, read);
        return true;
    }

    private Failure strange(String what) {
        return failure(what + " (expected: a daemon of bascule)", new IOException(what));
    }
}

package bascule.health;

import bascule.health.Orders.Wish;
import bascule.observe.Events;
import bascule.server.ServerStatus.Admin;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// `servers.json` in the state folder, one line per server:
/// ```json
/// {"version":2,"servers":[
///   {"backend":"web","server":"10.0.1.11:80","admin":"draining","counter":1795190000000,"node":"edge1"}
/// ]}
/// ```
/// Without a cluster there are no stamps, and it is of version 1, which says nothing of versions.
/// Keys that are not known are passed over, and servers with an order that is not known, with an event; so is a stamp that is not good: so that an older version
/// can read what a newer one wrote. Replaced whole: whoever reads
/// it, even after a power cut, finds the old orders or the new ones.
record OrdersFile(Path file) {
    private static final JsonFactory JSON = new JsonFactory();
    private static final DefaultPrettyPrinter LINES =
            new DefaultPrettyPrinter()
                    .withArrayIndenter(new DefaultIndenter("  ", "\n"))
                    .withObjectIndenter(DefaultPrettyPrinter.NopIndenter.instance)
                    .withSeparators(
                            Separators.createDefaultInstance()
                                    .withObjectFieldValueSpacing(Separators.Spacing.NONE)
                                    .withArrayEmptySeparator("")
                                    .withObjectEmptySeparator(""));
    private static final int VERSION = 2;
    private static final String WORDS = "draining, disabled or enabled";
    private static final String STAMPS = "counter of 1 to " + Stamp.MOST_COUNTER + ", and node";
    private static final long MOST_BYTES = 16L * 1024 * 1024;

    /// @return empty if there is no file
    /// @throws IOException if there is one that cannot be read or understood; the message says what is wrong
    Map<Orders.Key, Wish> read() throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            if (channel.size() > MOST_BYTES)
                throw new IOException(
                        channel.size() + " bytes (expected: up to " + MOST_BYTES + ")");
        } catch (NoSuchFileException none) {
            return Map.of();
        }
        try (JsonParser from = JSON.createParser(file.toFile())) {
            return read(from);
        } catch (JsonProcessingException failure) {
            throw new IOException(
                    "line " + failure.getLocation().getLineNr() + ": is not JSON", failure);
        }
    }

    private Map<Orders.Key, Wish> read(JsonParser from) throws IOException {
        var orders = new LinkedHashMap<Orders.Key, Wish>();
        expect(JsonToken.START_OBJECT, from.nextToken(), from);
        while (from.nextToken() == JsonToken.FIELD_NAME) {
            boolean servers = from.currentName().equals("servers");
            JsonToken value = from.nextToken();
            if (!servers) {
                from.skipChildren();
                continue;
            }
            expect(JsonToken.START_ARRAY, value, from);
            while (from.nextToken() == JsonToken.START_OBJECT) order(from, orders);
            expect(JsonToken.END_ARRAY, from.currentToken(), from);
        }
        expect(JsonToken.END_OBJECT, from.currentToken(), from);
        return orders;
    }

    private void order(JsonParser from, Map<Orders.Key, Wish> to) throws IOException {
        String backend = null;
        String server = null;
        String admin = null;
        long counter = 0;
        String node = "";
        while (from.nextToken() == JsonToken.FIELD_NAME) {
            String name = from.currentName();
            JsonToken value = from.nextToken();
            switch (name) {
                case "backend" -> backend = text(value, from);
                case "server" -> server = text(value, from);
                case "admin" -> admin = text(value, from);
                case "counter" -> {
                    expect(JsonToken.VALUE_NUMBER_INT, value, from);
                    counter = from.getLongValue();
                }
                case "node" -> node = text(value, from);
                default -> from.skipChildren();
            }
        }
        expect(JsonToken.END_OBJECT, from.currentToken(), from);
        if (backend == null || server == null || admin == null)
            throw new IOException(line(from) + "a server lacks backend, server or admin");
        if (to.size() >= Orders.MOST)
            throw new IOException(line(from) + "more than " + Orders.MOST + " servers");
        Admin known = admin(admin);
        if (known == null)
            told("state-order-unknown", from, backend, server, "admin", admin, WORDS);
        else
            to.put(
                    new Orders.Key(backend, server),
                    new Wish(known, stamp(from, backend, server, counter, node)));
    }

    /// One that is not good is as none: the order holds until the cluster says else.
    private Stamp stamp(JsonParser from, String backend, String server, long counter, String node) {
        var stamp = new Stamp(counter, node);
        if (stamp.equals(Stamp.NONE) || stamp.isGood()) return stamp;
        told("state-stamp-unknown", from, backend, server, "stamp", counter + " " + node, STAMPS);
        return Stamp.NONE;
    }

    private void told(
            String event,
            JsonParser from,
            String backend,
            String server,
            String key,
            String value,
            String expected) {
        Events.error(
                event,
                "file",
                file,
                "line",
                from.currentLocation().getLineNr(),
                "backend",
                backend,
                "server",
                server,
                key,
                value,
                "expected",
                expected);
    }

    private static String text(@Nullable JsonToken value, JsonParser from) throws IOException {
        expect(JsonToken.VALUE_STRING, value, from);
        return from.getText();
    }

    private static @Nullable Admin admin(String word) {
        return switch (word) {
            case "draining" -> Admin.DRAINING;
            case "disabled" -> Admin.DISABLED;
            case "enabled" -> Admin.ENABLED;
            default -> null;
        };
    }

    private static void expect(JsonToken wanted, @Nullable JsonToken found, JsonParser from)
            throws IOException {
        if (found == wanted) return;
        String what = found == null ? "the end" : found.toString();
        throw new IOException(line(from) + what + " (expected: " + wanted + ")");
    }

    private static String line(JsonParser from) {
        return "line " + from.currentLocation().getLineNr() + ": ";
    }

    /// Gives an unreadable file another name, for whoever wants to mend it, before the next order takes its place.
    ///
    /// @return where it is now: `servers.json.broken`
    Path setAside() throws IOException {
        Path aside = file.resolveSibling(file.getFileName() + ".broken");
        return Files.move(
                file, aside, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /// Once this returns, the orders are on the disk.
    void write(Map<Orders.Key, Wish> orders) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        if (folder == null) throw new IOException("no folder");
        Files.createDirectories(folder);
        Path temporary = folder.resolve(file.getFileName() + ".new");
        Files.deleteIfExists(temporary); // Of a write that was cut off; or a link to elsewhere.
        try (FileChannel to =
                FileChannel.open(
                        temporary,
                        StandardOpenOption.CREATE_NEW,
                        StandardOpenOption.WRITE,
                        LinkOption.NOFOLLOW_LINKS)) {
            ByteBuffer bytes = ByteBuffer.wrap(bytes(orders));
            while (bytes.hasRemaining()) to.write(bytes);
            to.force(true);
        }
        Files.move(
                temporary,
                file,
                StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
        try (FileChannel names = FileChannel.open(folder)) {
            names.force(true); // The new name, too.
        }
    }

    private static byte[] bytes(Map<Orders.Key, Wish> orders) throws IOException {
        var out = new ByteArrayOutputStream();
        try (JsonGenerator to = JSON.createGenerator(out)) {
            to.setPrettyPrinter(LINES);
            to.writeStartObject();
            if (orders.values().stream().anyMatch(wish -> !wish.stamp().equals(Stamp.NONE)))
                to.writeNumberField("version", VERSION);
            to.writeArrayFieldStart("servers");
            for (Map.Entry<Orders.Key, Wish> order : orders.entrySet()) {
                to.writeStartObject();
                to.writeStringField("backend", order.getKey().backend());
                to.writeStringField("server", order.getKey().server());
                to.writeStringField("admin", word(order.getValue().admin()));
                Stamp stamp = order.getValue().stamp();
                if (!stamp.equals(Stamp.NONE)) {
                    to.writeNumberField("counter", stamp.counter());
                    to.writeStringField("node", stamp.node());
                }
                to.writeEndObject();
            }
            to.writeEndArray();
            to.writeEndObject();
            to.writeRaw('\n');
        }
        return out.toByteArray();
    }

    private static String word(Admin admin) {
        return switch (admin) {
            case ENABLED -> "enabled";
            case DRAINING -> "draining";
            case DISABLED -> "disabled";
        };
    }
}

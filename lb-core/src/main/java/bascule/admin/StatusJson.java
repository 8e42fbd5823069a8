package bascule.admin;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// [Status] as JSON, indented for those who look at it with `curl`. Every key is always there, `null` where there is nothing.
final class StatusJson {
    private static final JsonFactory JSON = new JsonFactory();

    private final JsonGenerator to;

    private interface Element<T> {
        void write(T value) throws IOException;
    }

    private StatusJson(JsonGenerator to) {
        this.to = to;
    }

    static byte[] write(Status status) {
        var out = new ByteArrayOutputStream();
        try (JsonGenerator to = JSON.createGenerator(out)) {
            to.setPrettyPrinter(printer());
            new StatusJson(to).status(status);
            to.writeRaw('\n');
        } catch (IOException e) {
            throw new UncheckedIOException(e); // Memory does not fail this way.
        }
        return out.toByteArray();
    }

    static DefaultPrettyPrinter printer() {
        var lines = new DefaultIndenter("  ", "\n");
        var separators =
                Separators.createDefaultInstance()
                        .withObjectFieldValueSpacing(Separators.Spacing.AFTER)
                        .withArrayEmptySeparator("")
                        .withObjectEmptySeparator("");
        return new DefaultPrettyPrinter(separators)
                .withObjectIndenter(lines)
                .withArrayIndenter(lines);
    }

    private void status(Status status) throws IOException {
        to.writeStartObject();
        to.writeStringField("node", status.node());
        to.writeStringField("version", status.version());
        to.writeNumberField("uptimeSeconds", status.uptimeSeconds());
        to.writeObjectFieldStart("config");
        to.writeStringField("hash", status.config().hash());
        to.writeStringField("loadedAt", status.config().loadedAt().toString());
        to.writeStringField("result", status.config().result());
        nullable("reloadedAt", status.config().reloadedAt());
        to.writeEndObject();
        to.writeObjectFieldStart("cluster");
        array("nodes", status.cluster().nodes(), this::node);
        to.writeEndObject();
        array("floatingIps", status.floatingIps(), this::floatingIp);
        array("listeners", status.listeners(), this::listener);
        array("backends", status.backends(), this::backend);
        array("certificates", status.certificates(), this::certificate);
        to.writeStringField("at", status.at().toString());
        array("changes", status.changes(), this::change);
        nullable("tls", status.tls());
        systemd(status.systemd());
        to.writeEndObject();
    }

    private void systemd(Status.@Nullable Systemd systemd) throws IOException {
        if (systemd == null) {
            to.writeNullField("systemd");
            return;
        }
        to.writeObjectFieldStart("systemd");
        to.writeNumberField("storedSockets", systemd.storedSockets());
        nullable("notStored", systemd.notStored());
        nullable("watchdogSeconds", systemd.watchdogSeconds());
        to.writeEndObject();
    }

    private void node(Status.Node node) throws IOException {
        to.writeStartObject();
        to.writeStringField("name", node.name());
        nullable("address", node.address());
        to.writeStringField("state", node.state());
        nullable("configHash", node.configHash());
        to.writeEndObject();
    }

    private void floatingIp(Status.FloatingIp ip) throws IOException {
        to.writeStartObject();
        to.writeStringField("name", ip.name());
        to.writeStringField("address", ip.address());
        nullable("owner", ip.owner());
        to.writeNumberField("epoch", ip.epoch());
        to.writeBooleanField("eligible", ip.eligible());
        nullable("reason", ip.reason());
        to.writeEndObject();
    }

    private void listener(Status.Listener listener) throws IOException {
        to.writeStartObject();
        to.writeStringField("name", listener.name());
        array("bind", listener.bind(), to::writeString);
        to.writeStringField("state", listener.state());
        to.writeNumberField("connections", listener.connections());
        to.writeNumberField("exchanges", listener.exchanges());
        to.writeNumberField("errors", listener.errors());
        to.writeEndObject();
    }

    private void backend(Status.Backend backend) throws IOException {
        to.writeStartObject();
        to.writeStringField("name", backend.name());
        array("servers", backend.servers(), this::server);
        to.writeStringField("balance", backend.balance());
        to.writeNumberField("queued", backend.queued());
        to.writeEndObject();
    }

    private void server(Status.Server server) throws IOException {
        to.writeStartObject();
        to.writeStringField("name", server.name());
        to.writeStringField("address", server.address());
        to.writeStringField("admin", server.admin());
        to.writeStringField("health", server.health());
        to.writeStringField("state", server.state());
        to.writeNumberField("weight", server.weight());
        to.writeNumberField("connections", server.connections());
        to.writeBooleanField("backup", server.backup());
        to.writeStringField("since", server.since().toString());
        nullable("check", server.check());
        to.writeNumberField("running", server.running());
        to.writeNumberField("exchanges", server.exchanges());
        to.writeNumberField("errors", server.errors());
        nullable("p50Seconds", server.p50Seconds());
        nullable("p99Seconds", server.p99Seconds());
        to.writeEndObject();
    }

    private void certificate(Status.Certificate certificate) throws IOException {
        to.writeStartObject();
        array("names", certificate.names(), to::writeString);
        to.writeStringField("notAfter", certificate.notAfter().toString());
        to.writeStringField("keyType", certificate.keyType());
        to.writeEndObject();
    }

    private void change(Status.Change change) throws IOException {
        to.writeStartObject();
        to.writeStringField("at", change.at().toString());
        to.writeStringField("event", change.event());
        to.writeStringField("text", change.text());
        to.writeEndObject();
    }

    private <T> void array(String key, List<T> values, Element<T> element) throws IOException {
        to.writeArrayFieldStart(key);
        for (T value : values) element.write(value);
        to.writeEndArray();
    }

    /// @param value a number as such, all else as its text
    private void nullable(String key, @Nullable Object value) throws IOException {
        switch (value) {
            case null -> to.writeNullField(key);
            case Double number -> to.writeNumberField(key, number);
            default -> to.writeStringField(key, value.toString());
        }
    }
}

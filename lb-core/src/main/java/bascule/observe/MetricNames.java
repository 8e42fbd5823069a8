package bascule.observe;

import java.util.List;

/// Every metric of Bascule: its name as operators see it, its labels and its help text. They are a contract with dashboards
/// and alert rules; a golden file guards them.
final class MetricNames {
    enum Kind {
        COUNTER,
        GAUGE,
        HISTOGRAM,
        INFO
    }

    record Metric(String name, Kind kind, String help, List<String> labels) {
        Metric {
            labels = List.copyOf(labels);
        }
    }

    static final Metric EXCHANGES =
            counter(
                    "bascule_exchanges_total",
                    "Exchanges that ended, by the class of the status sent to the client; aborted if the client did not get a"
                            + " whole answer; 1xx for those that became a tunnel.",
                    "listener",
                    "backend",
                    "server",
                    "code");
    static final Metric EXCHANGE_DURATION =
            histogram(
                    "bascule_exchange_duration_seconds",
                    "Time from the request's head to the end of the response.",
                    "backend",
                    "server");
    static final Metric CONNECT_DURATION =
            histogram(
                    "bascule_connect_duration_seconds",
                    "Time to open a new connection to the server.",
                    "backend",
                    "server");
    static final Metric FIRST_BYTE_DURATION =
            histogram(
                    "bascule_first_byte_duration_seconds",
                    "Time from the request's first byte sent to the server to the response's first byte read.",
                    "backend",
                    "server");
    static final Metric RECEIVED_BYTES =
            counter(
                    "bascule_received_bytes_total",
                    "Bytes received from clients.",
                    "listener",
                    "backend",
                    "server");
    static final Metric SENT_BYTES =
            counter(
                    "bascule_sent_bytes_total",
                    "Bytes sent to clients.",
                    "listener",
                    "backend",
                    "server");
    static final Metric CONNECTIONS_OPEN =
            gauge("bascule_connections_open", "Open connections of clients.", "listener");
    static final Metric CONNECTIONS_LIMIT =
            gauge(
                    "bascule_connections_limit",
                    "Connections that the listener may have open: one more is refused.",
                    "listener");
    static final Metric SERVER_UP =
            gauge(
                    "bascule_server_up",
                    "1 if the server is fit for new exchanges, by its health.",
                    "backend",
                    "server");
    static final Metric SERVER_STATE =
            gauge(
                    "bascule_server_state",
                    "1 for the state that the server is in, 0 for the others.",
                    "backend",
                    "server",
                    "state");
    static final Metric SERVER_CONNECTIONS =
            gauge(
                    "bascule_server_connections",
                    "Open connections to the server, idle ones included.",
                    "backend",
                    "server");
    static final Metric SERVER_POOL_IDLE =
            gauge(
                    "bascule_server_pool_idle",
                    "Open connections to the server that wait in the pool.",
                    "backend",
                    "server");
    static final Metric RETRIES =
            counter(
                    "bascule_retries_total",
                    "Requests sent again, by why the attempt before had failed.",
                    "backend",
                    "reason");
    static final Metric REJECTED =
            counter(
                    "bascule_rejected_total",
                    "Requests and connections of clients that were refused.",
                    "listener",
                    "reason");
    static final Metric ACCEPT_ERRORS =
            counter("bascule_accept_errors_total", "Failures to accept a connection.", "reason");
    static final Metric ACCESS_LOG_DROPPED =
            counter(
                    "bascule_access_log_dropped_total",
                    "Lines of the access log that were lost, because the log could not be written fast enough or not at all.");
    static final Metric EVENTS_DROPPED =
            counter(
                    "bascule_events_dropped_total",
                    "Events that were lost, because the log was not read fast enough, or could not be written at all.");
    static final Metric TLS_HANDSHAKES =
            counter(
                    "bascule_tls_handshakes_total",
                    "TLS handshakes of clients; resumed and version are none for those that failed.",
                    "listener",
                    "result",
                    "resumed",
                    "version");
    static final Metric CERTIFICATE_EXPIRY =
            gauge(
                    "bascule_certificate_expiry_timestamp_seconds",
                    "When the certificate for the name ends; of several key types, the first that does.",
                    "name");
    static final Metric CERTIFICATE_RELOADS =
            counter(
                    "bascule_certificate_reloads_total",
                    "Changes seen in folders of certificates; a refused one leaves the last good set in force.",
                    "result");
    static final Metric CLUSTER_NODES =
            gauge(
                    "bascule_cluster_nodes",
                    "Nodes of the cluster that are there, this one counted.");
    static final Metric CLUSTER_CONFIG_DIFFERS =
            gauge(
                    "bascule_cluster_config_differs",
                    "Other nodes whose configuration is known to be another than that of this one.");
    static final Metric FLOATING_IP_OWNED =
            gauge("bascule_floating_ip_owned", "1 if this node owns the floating IP.", "name");
    static final Metric FLOATING_IP_CHANGES =
            counter(
                    "bascule_floating_ip_changes_total",
                    "How often this node took the floating IP or let go of it, by why.",
                    "name",
                    "reason");
    static final Metric OWNER_PORT_DROPPED =
            counter(
                    "bascule_owner_port_dropped_total",
                    "Datagrams of the owner port that were not believed, by why.",
                    "reason");
    static final Metric CONFIG_INFO =
            info("bascule_config_info", "The configuration in force.", "hash");
    static final Metric CONFIG_RELOADS =
            counter(
                    "bascule_config_reloads_total",
                    "Requests to reload the configuration.",
                    "result");
    static final Metric BUILD_INFO =
            info("bascule_build_info", "The version of Bascule that runs.", "version");

    /// A histogram, because a gauge would show only the stall that a scrape happens to meet; by loop, because a stall is one
    /// loop's and an average over all would hide it.
    static final Metric EVENT_LOOP_LAG =
            histogram(
                    "bascule_event_loop_lag_seconds",
                    "By how much a tick of the event loop, ten in a second, came late.",
                    "loop");

    static final Metric LOOP_CONNECTIONS =
            gauge(
                    "bascule_loop_connections",
                    "Open connections of clients that live on the event loop.",
                    "loop");

    private MetricNames() {}

    private static Metric counter(String name, String help, String... labels) {
        return new Metric(name, Kind.COUNTER, help, List.of(labels));
    }

    private static Metric gauge(String name, String help, String... labels) {
        return new Metric(name, Kind.GAUGE, help, List.of(labels));
    }

    private static Metric histogram(String name, String help, String... labels) {
        return new Metric(name, Kind.HISTOGRAM, help, List.of(labels));
    }

    private static Metric info(String name, String help, String... labels) {
        return new Metric(name, Kind.INFO, help, List.of(labels));
    }
}

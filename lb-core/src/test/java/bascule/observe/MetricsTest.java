package bascule.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class MetricsTest {
    private final Metrics metrics = Metrics.create("1.2.3", 2);

    @AfterEach
    void close() {
        metrics.close();
    }

    @Test
    void givenRegisteredButUnused_whenScraped_thenSeriesStandAtZero() {
        metrics.loop(0).exchange("http", "web", "a");
        metrics.loop(0).server("web", "a");
        metrics.loop(0).listener("http").expectRejections(List.of("field"));
        metrics.loop(0).backend("web").expectRetries(List.of("connect"));

        assertThat(scrape())
                .contains(
                        "bascule_exchanges_total{backend=\"web\",code=\"1xx\",listener=\"http\",server=\"a\"} 0.0",
                        "bascule_exchanges_total{backend=\"web\",code=\"aborted\",listener=\"http\",server=\"a\"} 0.0",
                        "bascule_received_bytes_total{backend=\"web\",listener=\"http\",server=\"a\"} 0.0",
                        "bascule_exchange_duration_seconds_bucket{backend=\"web\",server=\"a\",le=\"+Inf\"} 0",
                        "bascule_connections_open{listener=\"http\"} 0.0",
                        "bascule_rejected_total{listener=\"http\",reason=\"field\"} 0.0",
                        "bascule_retries_total{backend=\"web\",reason=\"connect\"} 0.0",
                        "bascule_access_log_dropped_total 0.0",
                        "bascule_config_info{hash=\"none\"} 1",
                        "bascule_config_reloads_total{result=\"refused\"} 0.0",
                        "bascule_build_info{version=\"1.2.3\"} 1");
    }

    @Test
    void givenTwoLoops_whenScraped_thenAddedUp() {
        for (int i = 0; i < 2; i++) {
            LoopMetrics loop = metrics.loop(i);
            ExchangeMetrics exchange = loop.exchange("http", "web", "a");
            exchange.completed(101);
            exchange.completed(200);
            exchange.completed(299);
            exchange.completed(599);
            exchange.aborted();
            exchange.received(10);
            exchange.sent(1000 + i);
            ServerMetrics server = loop.server("web", "a");
            server.exchange.record(10_000_000);
            server.exchange.record(10_000_001);
            server.connectionOpened();
            server.connectionOpened();
            server.connectionClosed();
            server.idle(1);
            loop.listener("http").opened();
            loop.listener("http").limit(20);
            loop.listener("http").acceptError("descriptors");
            loop.connections(5 + i);
            loop.lag(2_000_000);
        }

        assertThat(scrape())
                .contains(
                        "bascule_exchanges_total{backend=\"web\",code=\"1xx\",listener=\"http\",server=\"a\"} 2.0",
                        "bascule_exchanges_total{backend=\"web\",code=\"2xx\",listener=\"http\",server=\"a\"} 4.0",
                        "bascule_exchanges_total{backend=\"web\",code=\"5xx\",listener=\"http\",server=\"a\"} 2.0",
                        "bascule_exchanges_total{backend=\"web\",code=\"aborted\",listener=\"http\",server=\"a\"} 2.0",
                        "bascule_received_bytes_total{backend=\"web\",listener=\"http\",server=\"a\"} 20.0",
                        "bascule_sent_bytes_total{backend=\"web\",listener=\"http\",server=\"a\"} 2001.0",
                        "bascule_exchange_duration_seconds_bucket{backend=\"web\",server=\"a\",le=\"0.005\"} 0",
                        "bascule_exchange_duration_seconds_bucket{backend=\"web\",server=\"a\",le=\"0.01\"} 2",
                        "bascule_exchange_duration_seconds_bucket{backend=\"web\",server=\"a\",le=\"0.025\"} 4",
                        "bascule_exchange_duration_seconds_count{backend=\"web\",server=\"a\"} 4",
                        "bascule_exchange_duration_seconds_sum{backend=\"web\",server=\"a\"} 0.040000002",
                        "bascule_server_connections{backend=\"web\",server=\"a\"} 2.0",
                        "bascule_server_pool_idle{backend=\"web\",server=\"a\"} 2.0",
                        "bascule_connections_open{listener=\"http\"} 2.0",
                        "bascule_connections_limit{listener=\"http\"} 20.0",
                        "bascule_accept_errors_total{reason=\"descriptors\"} 2.0",
                        "bascule_loop_connections{loop=\"0\"} 5.0",
                        "bascule_loop_connections{loop=\"1\"} 6.0",
                        "bascule_event_loop_lag_seconds_bucket{loop=\"1\",le=\"0.0025\"} 1");
    }

    @Test
    void givenServers_whenScraped_thenOneStateIsOne() {
        metrics.serverState(() -> List.of(new ServerSample("web", "a", true, "draining")));

        assertThat(scrape())
                .contains(
                        "bascule_server_up{backend=\"web\",server=\"a\"} 1.0",
                        "bascule_server_state{backend=\"web\",server=\"a\",state=\"draining\"} 1.0",
                        "bascule_server_state{backend=\"web\",server=\"a\",state=\"up\"} 0.0");
    }

    @Test
    void givenReload_whenScraped_thenTheNewHashAndTheResult() {
        metrics.config("old");
        metrics.config("new");
        metrics.configReloaded("loaded");
        metrics.configReloaded("loaded");

        assertThat(scrape())
                .contains(
                        "bascule_config_info{hash=\"new\"} 1",
                        "bascule_config_reloads_total{result=\"loaded\"} 2.0")
                .doesNotContain("bascule_config_info{hash=\"old\"} 1");
    }

    @Test
    void givenNamesThatAreGone_whenScraped_thenTheirSeriesAreGoneAndWhoHoldsThemMayWriteOn() {
        ExchangeMetrics exchange = metrics.loop(1).exchange("http", "web", "a");
        ServerMetrics server = metrics.loop(1).server("web", "a");
        for (String kept : List.of("b", "c")) {
            metrics.loop(1).exchange("http", "web", kept).completed(200);
            metrics.loop(1).server("web", kept).connectionOpened();
        }
        metrics.loop(0).exchange("https", "web", "b").completed(200);
        metrics.loop(0).exchange("http", "api", "b").completed(200);
        metrics.loop(0).backend("api").retried("connect");
        metrics.loop(0).server("api", "b").connectionOpened();
        metrics.loop(0).listener("https").rejected("field");
        metrics.loop(0).listener("http").rejected("field");

        metrics.removeServer("web", "a");
        exchange.completed(200);
        server.connectionOpened();
        assertThat(scrape())
                .noneMatch(line -> line.contains("server=\"a\""))
                .anyMatch(line -> line.contains("server=\"b\""));
        assertEquals(0, metrics.serverConnections("web", "a"));
        assertEquals(new ServerTotals(0, 0), metrics.serverTotals("web", "a"));
        assertEquals(0, metrics.exchangesBegun("none"));
        assertThat(scrape()).noneMatch(line -> line.contains("server=\"a\"")); // Nor by asking.

        metrics.removeBackend("api");
        assertThat(scrape())
                .noneMatch(line -> line.contains("backend=\"api\""))
                .anyMatch(line -> line.contains("backend=\"web\""));

        metrics.removeListener("https");
        assertThat(scrape())
                .noneMatch(line -> line.contains("listener=\"https\""))
                .contains(
                        "bascule_rejected_total{listener=\"http\",reason=\"field\"} 1.0",
                        "bascule_exchanges_total{backend=\"web\",code=\"2xx\",listener=\"http\",server=\"b\"} 1.0");

        metrics.loop(1).exchange("http", "web", "a").completed(200);
        assertThat(scrape())
                .contains(
                        "bascule_exchanges_total{backend=\"web\",code=\"2xx\",listener=\"http\",server=\"a\"} 1.0");
    }

    @Test
    void givenListenerGone_whenScraped_thenACounterWithoutItsNameDoesNotFall() {
        metrics.loop(0).listener("http").acceptError("emfile");
        metrics.loop(0).listener("https").acceptError("emfile");
        metrics.removeListener("https");

        assertThat(scrape()).contains("bascule_accept_errors_total{reason=\"emfile\"} 2.0");
    }

    @Test
    void givenSeveralLoopsAndListeners_whenTotalled_thenErrorsAre5xxAndAborted() {
        for (int loop = 0; loop < 2; loop++) {
            for (String listener : List.of("http", "https")) {
                ExchangeMetrics counted = metrics.loop(loop).exchange(listener, "web", "a");
                for (int status : new int[] {101, 200, 302, 404, 500, 599})
                    counted.completed(status);
                counted.aborted();
            }
            metrics.loop(loop).exchange("http", "web", "b").completed(200);
        }

        assertEquals(new ServerTotals(28, 12), metrics.serverTotals("web", "a"));
        assertEquals(new ServerTotals(2, 0), metrics.serverTotals("web", "b"));
        assertEquals(new ServerTotals(0, 0), metrics.serverTotals("api", "a"));
    }

    @Test
    void givenListener_whenAskedForItsTotals_thenOfAllServersAndOfNone() {
        for (int loop = 0; loop < 2; loop++) {
            metrics.loop(loop).exchange("http", "web", "a").completed(200);
            metrics.loop(loop).exchange("http", "api", "a").completed(500);
            metrics.loop(loop).exchange("http", Metrics.NONE, Metrics.NONE).completed(503);
            metrics.loop(loop).exchange("https", "web", "a").aborted();
        }

        assertEquals(new ServerTotals(6, 4), metrics.listenerTotals("http"));
        assertEquals(new ServerTotals(2, 2), metrics.listenerTotals("https"));
        assertEquals(new ServerTotals(0, 0), metrics.listenerTotals("mail"));
    }

    @Test
    void givenExchangesBegun_whenAsked_thenTheSumOfAllLoops() {
        for (int i = 0; i < 5; i++) metrics.loop(i % 2).backend("web").begun();
        metrics.loop(0).backend("api").begun();

        assertEquals(5, metrics.exchangesBegun("web"));
        assertEquals(3, metrics.loop(0).backend("web").exchangesBegun());
        assertEquals(0, metrics.exchangesBegun("spare"));
    }

    @Test
    void givenOpenMetrics_whenScraped_thenItsForm() {
        assertThat(metrics.scrape("application/openmetrics-text;version=1.0.0"))
                .contains("# TYPE bascule_build info\n")
                .contains("# TYPE bascule_config info\n")
                .endsWith("# EOF\n");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "null",
            textBlock =
                    """
                    null | text/plain
                    */* | text/plain
                    text/html | text/plain
                    application/openmetrics-text | application/openmetrics-text
                    Application/OpenMetrics-Text; version=1.0.0 | application/openmetrics-text
                    application/openmetrics-text;q=0 | text/plain
                    application/openmetrics-text;q=x | text/plain
                    application/openmetrics-text;q=0.2,text/plain;q=0.3 | text/plain
                    application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1 \
                    | application/openmetrics-text
                    """)
    void givenAccept_whenAsked_thenTheBetterLikedFormat(String accept, String type) {
        assertEquals(type, Metrics.contentType(accept).split(";", -1)[0]);
    }

    private List<String> scrape() {
        return metrics.scrape(null).lines().toList();
    }
}

import io.trino.plugin.hive.HivePlugin;
import io.trino.spi.type.TimeZoneKey;
import io.trino.testing.DistributedQueryRunner;
import io.trino.testing.TestingSession;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.util.Map;

/** One Trino in one process, with a Hive catalog in a local folder: LocalTrino PORT FOLDER. Prints "ready". */
public final class LocalTrino {
    public static void main(String[] arguments) throws Exception {
        var session = TestingSession.testSessionBuilder()
                .setCatalog("hive")
                .setSchema("default")
                .setTimeZoneKey(TimeZoneKey.UTC_KEY)
                .build();
        var server = DistributedQueryRunner.builder(session)
                .setWorkerCount(0)
                .addExtraProperty("http-server.http.port", arguments[0])
                .build();
        server.installPlugin(new HivePlugin());
        server.createCatalog("hive", "hive", Map.of(
                "fs.native-local.enabled", "true",
                "local.location", arguments[1],
                "hive.metastore", "file",
                "hive.metastore.catalog.dir", "local:///",
                "hive.security", "allow-all",
                "hive.non-managed-table-writes-enabled", "true"));
        // System.out has become Trino's log by now.
        try (var output = new FileOutputStream(FileDescriptor.out)) {
            output.write("ready\n".getBytes());
        }
        // Whoever started this process ends it by closing its standard input.
        while (System.in.read() >= 0) {
        }
        System.exit(0);
    }
}

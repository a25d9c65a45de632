// What differs in the SDK's 1.10.
package client

import io.realm.kotlin.internal.interop.*
import io.realm.kotlin.internal.interop.sync.*
import io.realm.kotlin.types.RealmAny

const val SDK = "1"

fun createApp(appId: String, baseUrl: String, sdkVersion: String, directory: String, transport: NetworkTransport): RealmAppPointer {
    val config = RealmInterop.realm_app_config_new(
        appId, RealmInterop.realm_network_transport_new(transport), baseUrl,
        SyncConnectionParams(sdkVersion, null, null, "realm-ingest-test", System.getProperty("os.version"), "", "", SyncConnectionParams.Runtime.JVM, System.getProperty("java.version")),
    )
    val sync = RealmInterop.realm_sync_client_config_new()
    RealmInterop.realm_sync_client_config_set_base_file_path(sync, directory)
    RealmInterop.realm_sync_client_config_set_metadata_mode(sync, MetadataMode.RLM_SYNC_CLIENT_METADATA_MODE_PLAINTEXT)
    configureSyncClient(sync, appId, sdkVersion)
    return RealmInterop.realm_app_get(config, sync, directory)
}

fun waitForSessions(app: RealmAppPointer) {} // there is no such call yet

fun describe(error: Any) = error.toString()

/** Collections inside a RealmAny came with 2.0. */
fun listInAny(values: List<RealmAny?>): RealmAny? = null
fun mapInAny(values: Map<String, RealmAny?>): RealmAny? = null

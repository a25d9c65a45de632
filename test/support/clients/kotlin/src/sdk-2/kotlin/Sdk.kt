// What differs in the SDK's 2.x.
package client

import io.realm.kotlin.ext.realmDictionaryOf
import io.realm.kotlin.ext.realmListOf
import io.realm.kotlin.internal.interop.*
import io.realm.kotlin.internal.interop.sync.*
import io.realm.kotlin.types.RealmAny

const val SDK = "2"

fun createApp(appId: String, baseUrl: String, sdkVersion: String, directory: String, transport: NetworkTransport): RealmAppPointer {
    val config = RealmInterop.realm_app_config_new(
        appId, RealmInterop.realm_network_transport_new(transport), baseUrl,
        SyncConnectionParams(sdkVersion, "realm-ingest-test", System.getProperty("os.version"), "", "", SyncConnectionParams.Runtime.JVM, System.getProperty("java.version")),
    )
    RealmInterop.realm_app_config_set_base_file_path(config, directory)
    RealmInterop.realm_app_config_set_metadata_mode(config, MetadataMode.RLM_SYNC_CLIENT_METADATA_MODE_PLAINTEXT)
    configureSyncClient(RealmInterop.realm_app_config_get_sync_client_config(config), appId, sdkVersion)
    return RealmInterop.realm_app_get(config, directory)
}

fun waitForSessions(app: RealmAppPointer) = RealmInterop.realm_app_sync_client_wait_for_sessions_to_terminate(app)

fun describe(error: Any): String = when (error) {
    is SyncError -> describe(error.errorCode) + if (error.isFatal) " (fatal)" else ""
    is CoreError -> "${error.errorCode} ${error.errorCodeNativeValue} ${error.message}"
    else -> error.toString()
}

fun listInAny(values: List<RealmAny?>): RealmAny? = RealmAny.create(realmListOf(*values.toTypedArray()))
fun mapInAny(values: Map<String, RealmAny?>): RealmAny? = RealmAny.create(realmDictionaryOf(*values.map { it.key to it.value }.toTypedArray()))

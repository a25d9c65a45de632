// Realm Kotlin as a client of a sync server: anonymous login, asymmetric objects, wait for the upload, print them.
//   <baseUrl> <appId> <count>      see run.sh
// The SDK's sync library is not to be had here; its place is taken by the calls below into the SDK's own native core.
package client

import io.realm.kotlin.MutableRealm
import io.realm.kotlin.Realm
import io.realm.kotlin.RealmConfiguration
import io.realm.kotlin.UpdatePolicy
import io.realm.kotlin.ext.realmDictionaryOf
import io.realm.kotlin.ext.realmListOf
import io.realm.kotlin.ext.realmSetOf
import io.realm.kotlin.ext.toRealmList
import io.realm.kotlin.ext.toRealmSet
import io.realm.kotlin.internal.InternalConfiguration
import io.realm.kotlin.internal.InternalMutableRealm
import io.realm.kotlin.internal.RealmImpl
import io.realm.kotlin.internal.interop.*
import io.realm.kotlin.internal.interop.sync.*
import io.realm.kotlin.types.*
import io.realm.kotlin.types.annotations.PrimaryKey
import org.mongodb.kbson.BsonDecimal128
import org.mongodb.kbson.BsonObjectId
import java.io.File
import java.io.PrintStream
import java.lang.reflect.Proxy
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.nio.file.Files
import java.time.Duration
import java.util.Base64
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit
import java.util.concurrent.TimeoutException
import kotlin.random.Random
import kotlin.reflect.KClass
import kotlin.system.exitProcess

// ---- schema

class Inner : EmbeddedRealmObject {
    var label: String = ""
    var score: Double? = null
    var counts: RealmList<Long> = realmListOf()
    var deeper: Deeper? = null
}

class Deeper : EmbeddedRealmObject {
    var at: RealmInstant? = null
    var words: RealmDictionary<String> = realmDictionaryOf()
}

class Measurement : AsymmetricRealmObject {
    @PrimaryKey
    var _id: BsonObjectId = BsonObjectId()
    var name: String = ""
    var n: Long = 0
    var small: Int? = null
    var d: Double = 0.0
    var f: Float = 0f
    var flag: Boolean = false
    var at: RealmInstant = RealmInstant.MIN
    var note: String? = null
    var tags: RealmList<String> = realmListOf()
    var s_codes: RealmSet<Long> = realmSetOf()
    var attrs: RealmDictionary<RealmAny?> = realmDictionaryOf()
    var any: RealmAny? = null
    var data: ByteArray = byteArrayOf()
    var dec: BsonDecimal128? = null
    var uuid: RealmUUID? = null
    var inner: Inner? = null
    var steps: RealmList<Inner> = realmListOf()
}

// ---- the sync layer

class Transport : NetworkTransport {
    override val authorizationHeaderName: String? = null
    override val customHeaders: Map<String, String> = emptyMap()
    private val client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()

    override fun sendRequest(method: String, url: String, headers: Map<String, String>, body: String, callback: ResponseCallback) {
        val request = HttpRequest.newBuilder(URI(url)).timeout(Duration.ofSeconds(60))
            .method(method.uppercase(), if (method == NetworkTransport.GET) HttpRequest.BodyPublishers.noBody() else HttpRequest.BodyPublishers.ofString(body))
        headers.forEach { (k, v) -> request.header(k, v) }
        client.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString()).whenComplete { answer, error ->
            System.err.println("$method ${url.substringBefore('?')} ${answer?.statusCode() ?: error}")
            callback.response(
                if (answer == null) Response(0, 1000, emptyMap(), error.toString())
                else Response(answer.statusCode(), 0, answer.headers().map().mapValues { it.value.joinToString(", ") }, answer.body()),
            )
        }
    }

    override fun close() {}
}

fun configureSyncClient(sync: RealmSyncClientConfigurationPointer, appId: String, sdkVersion: String) {
    RealmInterop.realm_sync_client_config_set_default_binding_thread_observer(sync, appId)
    RealmInterop.realm_sync_client_config_set_user_agent_binding_info(sync, "RealmKotlin/$sdkVersion")
    RealmInterop.realm_sync_client_config_set_multiplex_sessions(sync, false)
}

fun logIn(app: RealmAppPointer): RealmUserPointer {
    RealmInterop.realm_app_get_current_user(app)?.let { return it } // of an earlier run in the same directory: needs no server
    val user = CompletableFuture<RealmUserPointer>()
    val credentials = System.getenv("CLIENT_API_KEY")?.let { RealmInterop.realm_app_credentials_new_api_key(it) } ?: RealmInterop.realm_app_credentials_new_anonymous(true)
    RealmInterop.realm_app_log_in_with_credentials(app, credentials, object : AppCallback<RealmUserPointer> {
        override fun onSuccess(result: RealmUserPointer) { user.complete(result) }
        override fun onError(error: AppError) { user.completeExceptionally(IllegalStateException("login: $error")) }
    })
    return user.get(90, TimeUnit.SECONDS)
}

/** A local configuration that becomes a Flexible Sync one when the native side of it is made. */
class SyncedConfiguration(private val local: InternalConfiguration, private val user: RealmUserPointer) : InternalConfiguration by local {
    override val isFlexibleSyncConfiguration = true
    override val schemaMode = SchemaMode.RLM_SCHEMA_MODE_ADDITIVE_DISCOVERED

    override fun createNativeConfiguration(): RealmConfigurationPointer {
        val config = local.createNativeConfiguration()
        RealmInterop.realm_config_set_schema_mode(config, schemaMode)
        val sync = RealmInterop.realm_flx_sync_config_new(user)
        RealmInterop.realm_sync_config_set_error_handler(sync) { _, error -> System.err.println("sync error: ${describe(error)}") }
        RealmInterop.realm_sync_config_set_resync_mode(sync, SyncSessionResyncMode.RLM_SYNC_SESSION_RESYNC_MODE_RECOVER)
        RealmInterop.realm_config_set_sync_config(config, sync)
        return config
    }
}

@Suppress("UNCHECKED_CAST") // the local builder is not made for asymmetric classes, but passes them on
fun open(directory: File, user: RealmUserPointer, classes: Set<KClass<out BaseRealmObject>>): Realm =
    Realm.open(SyncedConfiguration(
        RealmConfiguration.Builder(classes as Set<KClass<out TypedRealmObject>>).directory(directory.path).name("client.realm").build() as InternalConfiguration, user,
    ))

fun MutableRealm.insert(value: AsymmetricRealmObject) {
    this as InternalMutableRealm
    io.realm.kotlin.internal.copyToRealm(configuration.mediator, realmReference, value as BaseRealmObject, UpdatePolicy.ERROR)
}

fun uploadAll(realm: Realm, seconds: Long): Boolean {
    val session = RealmInterop.realm_sync_session_get((realm as RealmImpl).realmReference.dbPointer)
    val done = CompletableFuture<String>()
    val type = SyncSessionTransferCompletionCallback::class.java
    // A proxy, for the one argument has another type in 1.10.
    RealmInterop.realm_sync_session_wait_for_upload_completion(session, Proxy.newProxyInstance(type.classLoader, arrayOf(type)) { _, method, args ->
        if (method.name == "invoke") done.complete(args[0]?.let(::describe) ?: "")
        null
    } as SyncSessionTransferCompletionCallback)
    return try {
        done.get(seconds, TimeUnit.SECONDS).also { if (it != "") System.err.println("upload: $it") } == ""
    } catch (_: TimeoutException) {
        System.err.println("upload: not done within $seconds s"); false
    }
}

// ---- values and their Extended JSON

fun quote(s: String) = buildString {
    append('"')
    for (c in s) if (c == '"' || c == '\\') append('\\').append(c) else if (c < ' ' || c.isSurrogate()) append("\\u%04x".format(c.code)) else append(c)
    append('"')
}

class Sample(val value: RealmAny?, val json: String)

fun long(v: Long) = "{\"\$numberLong\":\"$v\"}"
fun double(v: Double) = "{\"\$numberDouble\":\"$v\"}"
fun date(v: RealmInstant) = "{\"\$date\":${long(Math.addExact(v.epochSeconds * 1000, v.nanosecondsOfSecond / 1_000_000L))}}"
fun binary(v: ByteArray, type: String = "00") = "{\"\$binary\":{\"base64\":\"${Base64.getEncoder().encodeToString(v)}\",\"subType\":\"$type\"}}"
fun oid(v: BsonObjectId) = "{\"\$oid\":\"${v.toHexString()}\"}"
fun decimal(v: String) = "{\"\$numberDecimal\":\"$v\"}"
fun instant(ms: Long) = RealmInstant.from(ms / 1000, (ms % 1000 * 1_000_000).toInt())
fun <T> array(values: Iterable<T>, json: (T) -> String) = values.joinToString(",", "[", "]", transform = json)
fun document(vararg fields: Pair<String, String>?) = fields.filterNotNull().joinToString(",", "{", "}") { quote(it.first) + ":" + it.second }
/** Nothing for an empty dictionary, since nothing of it is sent. */
fun dictionary(name: String, entries: List<Pair<String, String>>) = if (entries.isEmpty()) null else name to document(*entries.toTypedArray())

class Generator(seed: Long) {
    private val random = Random(seed)
    private val words = listOf("alpha", "βήτα", "гамма", "丁", "🚀 ü", "quo\"te\\", "tab\tnew\nline", "")
    private val decimals = listOf("-12.345", "0", "1E+3", "9999999999999999999999999999999999", "0.001")
    private fun <T> pick(of: List<T>) = of[random.nextInt(of.size)]
    private fun text() = pick(words) + if (random.nextInt(3) == 0) " " + pick(words) else ""
    private fun integer() = pick(listOf(0L, 1, -1, 63, 64, -64, -65, 300, -300, 1L shl 31, Long.MAX_VALUE, Long.MIN_VALUE, random.nextLong()))
    private fun number() = pick(listOf(0.0, -0.0, -0.5, 1e300, 5e-324, Double.NaN, Double.NEGATIVE_INFINITY, random.nextDouble(-1e6, 1e6)))
    private fun time() = instant(pick(listOf(0L, 1500, -1, -1500, 1_700_000_000_123, System.currentTimeMillis())))
    private fun bytes() = random.nextBytes(pick(listOf(0, 1, 12, 3000)))

    private fun any(i: Int, nested: Boolean): Sample = when (i % 13) {
        0 -> Sample(null, "null")
        1 -> text().let { Sample(RealmAny.create(it), quote(it)) }
        2 -> integer().let { Sample(RealmAny.create(it), long(it)) }
        3 -> number().let { Sample(RealmAny.create(it), double(it)) }
        4 -> random.nextBoolean().let { Sample(RealmAny.create(it), "$it") }
        5 -> BsonObjectId().let { Sample(RealmAny.create(it), oid(it)) }
        6 -> time().let { Sample(RealmAny.create(it), date(it)) }
        7 -> bytes().let { Sample(RealmAny.create(it), binary(it)) }
        8 -> RealmUUID.random().let { Sample(RealmAny.create(it), binary(it.bytes, "04")) }
        9 -> pick(decimals).let { Sample(RealmAny.create(BsonDecimal128(it)), decimal(it)) }
        10 -> 1.5f.let { Sample(RealmAny.create(it), double(it.toDouble())) }
        11 -> (if (nested) List(3) { any(random.nextInt(11), false) }.let { v -> listInAny(v.map { it.value })?.let { Sample(it, array(v) { x -> x.json }) } } else null) ?: any(1, false)
        else -> (if (nested) listOf("k", "").associateWith { any(random.nextInt(11), false) }.let { v ->
            mapInAny(v.mapValues { it.value.value })?.let { Sample(it, document(*v.map { e -> e.key to e.value.json }.toTypedArray())) }
        } else null) ?: any(2, false)
    }

    private fun inner(level: Int): Pair<Inner, String> {
        val text = text(); val number = if (random.nextBoolean()) number() else null; val list = List(random.nextInt(4)) { integer() }
        val below = if (random.nextInt(3) > 0) Deeper().apply { if (random.nextBoolean()) at = time(); repeat(random.nextInt(3)) { words["w$it"] = text() } } else null
        return Inner().apply { label = text; score = number; counts = list.toRealmList(); deeper = below } to document(
            "label" to quote(text), "score" to (number?.let(::double) ?: "null"), "counts" to array(list, ::long),
            "deeper" to (below?.let { b -> document("at" to (b.at?.let(::date) ?: "null"), dictionary("words", b.words.map { it.key to quote(it.value) })) } ?: "null"),
        )
    }

    fun measurement(i: Int): Pair<Measurement, String> {
        val attributes = List(random.nextInt(5)) { "key${if (it == 0) "" else " $it"}" to any(i + it, true) }
        val single = any(i, true)
        val inside = if (i % 4 == 3) null else inner(0)
        val many = List(random.nextInt(3)) { inner(1) }
        val number = pick(decimals)
        val m = Measurement().apply {
            _id = BsonObjectId(); name = "m$i ${text()}"; n = integer(); small = if (i % 2 == 0) i else null; d = number(); f = i + 0.25f; flag = i % 2 == 0; at = time()
            note = if (i % 3 == 0) null else text(); tags = List(random.nextInt(4)) { text() }.toRealmList(); s_codes = List(random.nextInt(4)) { integer() }.toRealmSet()
            for ((k, v) in attributes) attrs[k] = v.value
            any = single.value; data = bytes(); dec = if (i % 5 == 4) null else BsonDecimal128(number); uuid = if (i % 3 == 1) null else RealmUUID.random()
            inner = inside?.first; steps = many.map { it.first }.toRealmList()
        }
        return m to document(
            "_id" to oid(m._id), "name" to quote(m.name), "n" to long(m.n), "small" to (m.small?.let { long(it.toLong()) } ?: "null"), "d" to double(m.d), "f" to double(m.f.toDouble()),
            "flag" to "${m.flag}", "at" to date(m.at), "note" to (m.note?.let(::quote) ?: "null"), "tags" to array(m.tags, ::quote), "s_codes" to array(m.s_codes, ::long),
            dictionary("attrs", attributes.map { it.first to it.second.json }), "any" to single.json, "data" to binary(m.data),
            "dec" to (m.dec?.let { decimal(number) } ?: "null"), "uuid" to (m.uuid?.let { binary(it.bytes, "04") } ?: "null"),
            "inner" to (inside?.second ?: "null"), "steps" to array(many) { it.second },
        )
    }
}

// ---- program

fun main(args: Array<String>) {
    val out = PrintStream(java.io.FileOutputStream(java.io.FileDescriptor.out), false, "UTF-8")
    System.setOut(System.err) // the SDK's own logger writes to standard output
    val (baseUrl, appId) = args
    val count = args[2].toInt()
    fun setting(name: String, otherwise: Int) = System.getenv(name)?.toInt() ?: otherwise
    val batch = setting("CLIENT_BATCH", 10)
    val kept = System.getenv("CLIENT_DIR")?.let(::File)
    val directory = kept?.apply { mkdirs() } ?: Files.createTempDirectory("kotlin-client").toFile()
    if (kept == null) Runtime.getRuntime().addShutdownHook(Thread { directory.deleteRecursively() })

    val app = createApp(appId, baseUrl, System.getProperty("client.sdk.version", SDK), directory.path, Transport())
    System.getenv("CLIENT_LOG")?.let { RealmInterop.realm_set_log_level(CoreLogLevel.valueOf("RLM_LOG_LEVEL_${it.uppercase()}")) }
    val user = logIn(app)
    val realm = open(directory, user, setOf(Measurement::class, Inner::class, Deeper::class))
    System.err.println("opened ${realm.configuration.path}")
    val generator = Generator(setting("CLIENT_SEED", 1).toLong())
    val lines = ArrayList<String>()
    val printAtCommit = System.getenv("CLIENT_PRINT") == "commit"
    for (some in (0 until count).chunked(batch)) {
        val committed = some.map(generator::measurement)
        realm.writeBlocking { for ((value, _) in committed) insert(value) }
        if (printAtCommit) { committed.forEach { out.println(it.second) }; out.flush() } else committed.mapTo(lines) { it.second }
        setting("CLIENT_PAUSE_MS", 0).let { if (it > 0) Thread.sleep(it.toLong()) }
    }
    val started = System.nanoTime()
    val uploaded = uploadAll(realm, setting("CLIENT_TIMEOUT", 30).toLong())
    System.err.println("$count objects, uploaded: $uploaded, waited ${(System.nanoTime() - started) / 1_000_000} ms")
    lines.forEach(out::println)
    out.flush()
    realm.close()
    waitForSessions(app)
    exitProcess(if (uploaded && !out.checkError()) 0 else 1)
}

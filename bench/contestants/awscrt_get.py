"""awscrt: the AWS Common Runtime's S3 client, which cuts large objects itself."""
import sys

NAME = "awscrt"
TARGET_GBPS = 100


def setting(work):
    return (f"throughput target {TARGET_GBPS} Gbit/s, 8 MiB parts, {work.concurrency} objects at "
            "once; requests signed")


def cannot(_work):
    return None


def command(run):
    return run.python(__file__)


def make_client(job):
    from awscrt import auth, io, s3
    credentials = auth.AwsCredentialsProvider.new_static("bench", "benchsecret")
    connection = None
    if job.ca_file:
        options = io.TlsContextOptions()
        with open(job.ca_file, "rb") as file:
            options.override_default_trust_store(file.read())
        connection = io.ClientTlsContext(options).new_connection_options()
    return s3.S3Client(
        region="us-east-1",
        tls_mode=s3.S3RequestTlsMode.ENABLED if job.ca_file else s3.S3RequestTlsMode.DISABLED,
        tls_connection_options=connection, part_size=job.range_bytes,
        throughput_target_gbps=TARGET_GBPS,
        signing_config=s3.create_default_s3_signing_config(region="us-east-1",
                                                           credential_provider=credentials))


def main():
    import threading
    import job as shared
    from awscrt import http, s3

    job = shared.Job(sys.argv[1])
    client = make_client(job)
    tally = shared.Tally(job)
    host = job.endpoint.split("//")[1]
    free = threading.Semaphore(job.concurrency)

    # A request that nobody holds is cancelled.
    running = {}

    def start(number, piece):
        key, offset, length = piece
        headers = http.HttpHeaders([("host", host)])
        if job.reads:
            headers.add("range", f"bytes={offset}-{offset + length - 1}")
        request = http.HttpRequest("GET", f"/{job.bucket}/{key}", headers)
        pieces = []
        seen = [0]

        def on_body(chunk, offset, **_):
            seen[0] += len(chunk)
            if job.hashes:
                pieces.append(bytes(chunk))

        def on_done(error=None, **_):
            if error:
                tally.fail(error)
            elif job.target:
                tally.count(length)
            elif job.hashes:
                tally.add(key, offset, pieces)
            else:
                tally.count(seen[0])
            running.pop(number, None)
            free.release()

        more = {"recv_filepath": str(job.target / key)} if job.target else {"on_body": on_body}
        running[number] = client.make_request(type=s3.S3RequestType.GET_OBJECT, request=request,
                                              on_done=on_done, **more)

    with shared.measured(tally):
        for number, piece in enumerate(job.reads or job.whole_objects()):
            free.acquire()
            start(number, piece)
        for _ in range(job.concurrency):
            free.acquire()


if __name__ == "__main__":
    main()

// What `qanat broker --help` says.

export const brokerUsage: string = `Usage: qanat broker --data DIR | --store URL [options]

Serves Kafka's protocol from a directory or an object store. Stop it with SIGTERM or Ctrl-C.

Where records are kept; one of
  --data DIR            a directory of this machine, for one broker: objects, and a log in files beside them
  --store URL           s3://bucket/prefix?endpoint=https://host:port&region=name, or file:///directory;
                        keys of S3 come from where the AWS SDK looks for them
  --wal object          with --store: appends become durable in the store (the default)
  --wal file:DIR        with --store: appends become durable in a directory, and are uploaded later

Network
  --listen HOST:PORT    where to listen; [::1]:9092 for IPv6, port 0 for any free one   (localhost:9092)
  --advertise HOST:PORT what clients are told to connect to                             (where it listens)
  --admin HOST:PORT     /metrics, /health and /ready over HTTP                          (none)

The broker
  --node NAME           its name in the store; a broker that is started again has the same one   (broker-1)
  --rack NAME           the rack that clients are told
  --set NAME=VALUE      one of Kafka's settings, such as num.partitions=3; may be repeated
  --config FILE         name=value in lines: names of options without --, and Kafka's settings
  --log LEVEL           lines of JSON on stderr: error, info or debug                            (info)

Options are also taken from the environment: QANAT_DATA, QANAT_STORE, QANAT_LISTEN, QANAT_CONFIG, …, and QANAT_SET with
settings that stand apart by spaces. The command line counts before the environment, and that before the file.

It ends with 0 when it was stopped, with 1 if it could not start or go on, and with 2 if it was asked wrongly.

  qanat broker --data ./data
  qanat broker --store 's3://my-bucket/kafka?region=eu-central-1' --listen 0.0.0.0:9092 --advertise kafka.example:9092`;

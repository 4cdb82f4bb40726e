// The door `qanat/kafka`: a Kafka broker to embed. Explicit named exports and nothing else.
/// <reference lib="esnext.disposable" preserve="true" />
export { Broker } from './kafka/broker.ts';
export type { BrokerEnd, BrokerOptions, HostPort } from './kafka/broker.ts';
export type { BrokerLog, LogFields, LogLevel } from './kafka/broker-log.ts';
export type { AnsweredRequest, BrokerMeter } from './kafka/broker-meter.ts';
export type { BrokerSettingsInput } from './kafka/broker-settings.ts';
export { KafkaRefusal, kafkaErrors } from './kafka/kafka-error.ts';
export type { KafkaErrorName } from './kafka/kafka-error.ts';

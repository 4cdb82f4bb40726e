// kafkajs does on the broker what its users do.
import { KafkajsClient } from './kafkajs-client.ts';
import { describeClient } from './scenarios.ts';

describeClient(() => new KafkajsClient());

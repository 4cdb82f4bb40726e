// node-rdkafka does on the broker what its users do, where it is installed.
import { clientOf, nodeRdkafka } from './client-places.ts';
import { describeClient } from './scenarios.ts';

describeClient(() => clientOf(nodeRdkafka), nodeRdkafka.lack);

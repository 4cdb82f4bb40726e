// @confluentinc/kafka-javascript does on the broker what its users do, where it is installed.
import { clientOf, confluent } from './client-places.ts';
import { describeClient } from './scenarios.ts';

describeClient(() => clientOf(confluent), confluent.lack);

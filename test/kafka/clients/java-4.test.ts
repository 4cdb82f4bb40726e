// Kafka's own Java client of version 4 does on the broker what its users do, where it is installed.
import { clientOf, javaDriver } from './client-places.ts';
import { describeClient } from './scenarios.ts';

describeClient(() => clientOf(javaDriver(4)), javaDriver(4).lack);

// Kafka's own Java client of version 3 does on the broker what its users do, where it is installed.
import { clientOf, javaDriver } from './client-places.ts';
import { describeClient } from './scenarios.ts';

describeClient(() => clientOf(javaDriver(3)), javaDriver(3).lack);

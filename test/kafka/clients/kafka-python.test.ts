// kafka-python does on the broker what its users do, where it is installed.
import { clientOf, python } from './client-places.ts';
import { describeClient } from './scenarios.ts';

describeClient(() => clientOf(python), python.lack);

// The door `qanat/testkit`: explicit named exports and nothing else.
export {}

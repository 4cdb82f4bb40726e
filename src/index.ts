// The door `qanat`: explicit named exports and nothing else.
export {}

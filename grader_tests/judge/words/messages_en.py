"""What the grader says, in English."""

JOINTS = {
    "sentences": " ",
    "comma": ", ",
    "more": " and {} more",
    "hint": "Hint: {}",
}

PICTURE = (
    "Blue and filled: your weights, layer by layer. Orange and dashed: what the rule asks for. "
    "Below each: the mean (dot) and one standard deviation to either side."
)

SENTENCES = {
    "malformed": "The observation of this test is malformed. {reason}",
    "foreign": "The observation of this test is not of this grading: it was made under another "
    "seed, or of other networks.",
    "no_observation": "{reason}",
    # What was handed in
    "no_function": "There is no function weights_init_normal.",
    "not_a_function": "weights_init_normal should be a function; it is of type {type}.",
    "stopped": "The function stopped with {error}.",
    "stopped_at": "Called with a module of type {module}, the function stopped with {error}.",
    "line": "Your line: `{line}`.",
    # Layers
    "layers_correct": "All {count} linear layers get new weights, each time others; nothing else "
    "changes, and the networks still train.",
    "nothing_changed": "The function leaves every module as it is: no layer gets new weights.",
    "layers_kept": "{count} of {total} linear layers keep the weights they had: {layers}.",
    "layer_partly_kept": "{layer} keeps {unchanged:,} of its {count:,} weights.",
    "others_changed": "Only linear layers should change, but these did too: {modules}.",
    "layer_resized": "{layer} had its numbers of inputs or neurons altered; only its values should "
    "change.",
    "layer_replaced": "{layer} was replaced by another module; only its values should change.",
    "layer_removed": "{layer} was removed from the network.",
    "weight_gone": "The weight of {layer} is gone.",
    "not_a_parameter": "The {parameter} of {layer} is of type {kind}, no longer a Parameter.",
    "shape_changed": "The {parameter} of {layer} has shape {shape}; it should keep {expected}.",
    "dtype_changed": "The {parameter} of {layer} is now {dtype}; the network computes in "
    "{expected}.",
    "device_changed": "The {parameter} of {layer} was moved to another device.",
    "gradient_off": "The {parameter} of {layer} can no longer be trained: it requires no gradient.",
    "no_forward": "The network can no longer compute its output: {error}.",
    "no_backward": "The network can no longer be trained: {error}.",
    "no_gradient": "No gradient reaches {parameters}.",
    "layer_diverted": "{layer} no longer computes its weights times its inputs plus its bias.",
    "gradients_left": "After the function PyTorch computes no gradients any more, for anything.",
    "dtype_left": "After the function PyTorch makes new tensors with another type of number.",
    "run_not_finite": "After one step of training the weights are not finite numbers.",
    "same_twice": "Two applications should give different weights, but these layers got the same "
    "twice: {layers}.",
    # Weights
    "no_new_weights": "No linear layer got new weights, so there is nothing to judge: the weights "
    "are still those that PyTorch drew.",
    "weights_replaced": "The linear layers were replaced instead of getting new weights.",
    "weights_missing": "The weights of {layer} cannot be judged: there should be {expected} "
    "numbers; found: {found}.",
    "weights_not_finite": "{count:,} weights of {layer} are not finite numbers.",
    "weights_equal": "All weights of {layer} are {value:.4g}: they are not random.",
    "mean_correct": "The mean of the weights is 0, as far as chance allows, in all {count} layers.",
    "mean_wrong": "The mean of the weights should be 0. {layer}: mean {mean:.4f}; with a mean of 0 "
    "it would lie within {bound:.4f} of 0.",
    "deviation_correct": "The standard deviation is 1/sqrt(n) in all {count} layers, for example "
    "{deviation:.4f} for {expected:.4f} in {layer}.",
    "deviation_wrong": "The standard deviation should be 1/sqrt(n). {layer}: {deviation:.4g}, "
    "expected {expected:.4g} (between {low:.4g} and {high:.4g}).",
    "shape_correct": "The weights are independent draws from a normal distribution.",
    "shape_wrong": "The weights should be independent draws from a normal distribution.",
    "distribution": "But their distribution has another form",
    "beyond": "But too few or too many of them lie far from the mean",
    "flatness": "But the tails of their distribution are too light",
    "repeated": "But values occur more than once",
    "mean": "But the means of rows or columns differ more than chance allows, or not at all",
    "length": "But all rows or columns have the same length",
    "copies": "But values are copies of others",
    "in_layer": "(this shows in {layer}).",
    "in_all_layers": "(this shows in all layers together).",
    # Bias
    "bias_correct": "All biases are 0.",
    "bias_untouched": "No linear layer was changed; the biases are still those that PyTorch drew.",
    "bias_missing": "The bias of {layer} should hold {count} zeros; found: {found}.",
    "bias_shape": "The bias of {layer} should hold {count} zeros; it has shape {shape}.",
    "bias_unchanged": "The bias of {layer} is as it was before, from {low:.4f} to {high:.4f}; it "
    "should be 0.",
    "bias_not_zero": "The bias of {layer} should be 0; {nonzero} of {count} entries are not, from "
    "{low:.4g} to {high:.4g}.",
    # Default model
    "no_model": "There is no model_default.",
    "model_correct": "model_default is a Net with PyTorch's own initial weights.",
    "not_a_net": "model_default should be a Net; it is of type {type}.",
    "other_layers": "model_default should be a Net with the layers fc1, fc2 and fc3; it has: "
    "{layers}.",
    "model_not_finite": "{parameter} of model_default holds values that are not finite numbers.",
    "model_too_far": "{parameter} of model_default has values up to {largest:.4f}. PyTorch draws "
    "within {bound:.4f}; they were initialized in another way, or trained.",
    "model_equal": "All values of {parameter} of model_default are {value:.4g}; PyTorch draws "
    "them at random.",
    "model_not_uniform": "{parameter} of model_default is not spread evenly from {low:.4f} to "
    "{bound:.4f}, as PyTorch draws it: its standard deviation is {deviation:.4f}, expected "
    "{expected:.4f}.",
    # Default comparison
    "no_comparison": "There is no default_comparison.",
    "comparison_correct": "model_default learned: validation accuracy {accuracy:.1f} %, training "
    "loss {loss:.3f}.",
    "not_a_comparison": "default_comparison should be what helpers.compare_init_weights returns; "
    "it is of type {type}.",
    "no_model_to_compare": "There is no model_default that it could compare.",
    "other_models": "No run of default_comparison started from the weights of model_default. Its "
    "runs: {labels}.",
    "no_runs": "default_comparison holds no runs.",
    "too_few_batches": "The run of model_default has {batches} batches; it should have 100 or "
    "more, with losses that are finite numbers.",
    "not_learned": "The run of model_default did not learn: validation accuracy {accuracy:.1f} % "
    "(a guess reaches 10 %), training loss {loss:.3f} (a guess has 2.303).",
}

_GUARD_HINT = (
    "model.apply calls the function with every module: layers, activations, the model itself. "
    "What tells you that a module is a linear layer?"
)
_STORE_HINT = (
    "What has to hold the new values in the end for the network to use them? Print the layer's "
    "weights after the function has run."
)
_RULE_HINT = "Go back to the general rule: which quantity goes under the root, and of which layer?"
_SHAPE_HINT = "Compare your histogram with the one in the section on the normal distribution."

MISTAKES = {
    # No function
    "none_for_a_function": (
        "The name stands for nothing: the cell that defines it is gone or stopped with an error, "
        "or a line gave the name to what a call returned, which was None.",
        "Run your notebook from the top, then enter weights_init_normal in a cell of its own. What "
        "does Jupyter show?",
    ),
    "name_taken": (
        "The name weights_init_normal stands for something of type {type}: a line of yours gave "
        "the function's name to another thing.",
        "Look for `weights_init_normal =` in your cells. What else could that thing be called?",
    ),
    # Nothing drawn
    "blank": (
        "The function is still empty, so every layer keeps what PyTorch drew when it was made.",
        "Start with weights_init_uniform_rule: what stays the same, and what changes?",
    ),
    "guard_never_true": (
        "The condition in your line `{line}` is not met by any linear layer, so the lines after it "
        "never run.",
        "Print what the condition compares, for one linear layer, and read it letter by letter.",
    ),
    "nothing_written": (
        "The function computes, but draws no values and writes none into the layer.",
        "Computing y is the first half. What has to be done with it?",
    ),
    "result_not_stored": (
        "The function runs to its end, but the values that it draws do not arrive in the layer: "
        "they go into a copy, a new object, or a name of its own.",
        _STORE_HINT,
    ),
    "never_run": (
        "A function that contains `yield`, or begins with `async`, does not run its lines when it "
        "is called: it only gets ready to run them.",
        "Which word makes your function different from weights_init_uniform_rule?",
    ),
    "returns_early": (
        "The line `{line}` ends the function, so the lines after it never run.",
        "What does `return` do, and do you need it here?",
    ),
    "only_bias_written": (
        "Only the biases were written. Whatever was computed for the weights was not applied to "
        "them.",
        "Which line of yours changes m.weight?",
    ),
    # Mean
    "low_and_high": (
        "The means ({means}) are the deviations with a minus sign: these look like a lower and an "
        "upper bound, given to a function that takes a mean and a standard deviation.",
        "Look up what the two arguments of normal_ mean. For uniform_ they mean something else.",
    ),
    "uniform_off_centre": (
        "The values are spread evenly, layer by layer from {lows} up to {highs}: a uniform "
        "distribution, and not one around 0.",
        _SHAPE_HINT,
    ),
    "mean_not_zero": (
        "The values are drawn around {means}, not around 0.",
        "Which argument sets the middle of the distribution?",
    ),
    # Deviation
    "variance_for_deviation": (
        "The standard deviations of the layers are {deviations}; {rule} would give exactly these. "
        "The rule asks for 1/sqrt(n); 1/n is the variance that goes with it.",
        "How do you get from a variance to a standard deviation?",
    ),
    "half_for_root": (
        "The standard deviations of the layers are {deviations}; {rule} would give exactly these. "
        "Python reads `n ** 1/2` as `(n ** 1) / 2`: half of n, not its root.",
        "Where do brackets belong, or which function takes the root?",
    ),
    "inverted": (
        "The standard deviations of the layers are {deviations}: they grow with the layer, as "
        "{rule} does (n inputs, m neurons). With more inputs, weights should be smaller.",
        "The rule is a fraction. What stands above, and what below?",
    ),
    "no_scaling": (
        "All layers have a standard deviation of {rule}. The number of inputs does not come in.",
        "How should the width of the distribution depend on the number of inputs of a neuron?",
    ),
    "fan_out": (
        "The standard deviations of the layers are {deviations}; {rule} would give exactly these, "
        "with m the number of neurons of the layer. The rule counts the inputs of a neuron.",
        "A linear layer has two sizes, and its weight has the shape (out, in). Which is n?",
    ),
    "both_sizes": (
        "The standard deviations of the layers are {deviations}; {rule}, with n inputs and m "
        "neurons, would give exactly these.",
        "The rule needs one of the two sizes only. How many weights lead into one neuron?",
    ),
    "xavier": (
        "The standard deviations of the layers are {deviations}; {rule}, with n inputs and m "
        "neurons, would give exactly these: Xavier's rule. It is in use, but not the one asked "
        "for here.",
        _RULE_HINT,
    ),
    "he": (
        "The standard deviations of the layers are {deviations}, 1.41 times the right ones; {rule} "
        "would give exactly these: the rule of He, which is in use but not the one asked for here, "
        "or a factor from elsewhere.",
        _RULE_HINT,
    ),
    "root_twice": (
        "The standard deviations of the layers are {deviations}; {rule} would give exactly these: "
        "the root was taken twice.",
        "Is y already what the normal distribution needs?",
    ),
    "fixed_deviation": (
        "All layers have the same standard deviation, {value:.4g}. The rule gives each layer its "
        "own; this one would be right for {inputs:.4g} inputs.",
        "Where does the function learn how many inputs this layer has?",
    ),
    "n_slightly_off": (
        "The standard deviations {deviations} fit {rule}, not 1/sqrt(n): the bias was counted, or "
        "one added or left out for another reason.",
        "How many weights lead into one neuron?",
    ),
    "other_power": (
        "The standard deviations of the layers are {deviations}; {rule} would give exactly these. "
        "The rule asks for 1/sqrt(n).",
        "Write the rule with pen and paper, and then your expression for y. Where do they part?",
    ),
    "multiple_of_y": (
        "In every layer the standard deviation is {ratio:.3g} times 1/sqrt(n).",
        "The root is right. Where does the factor come from?",
    ),
    "deviation_slightly_off": (
        "In every layer the standard deviation is {ratio:.4g} times 1/sqrt(n): close, but not it.",
        "Is a number rounded, or something added to n or to y?",
    ),
    "added_to_deviation": (
        "In every layer the standard deviation is 1/sqrt(n) and {difference:+.3g}.",
        "The rule has no second term. Where is a number added to y, or taken away from it?",
    ),
    "other_deviation": (
        "Divided by 1/sqrt(n), the standard deviations of the layers are {ratios}; all of them "
        "should be 1.",
        _RULE_HINT,
    ),
    # Distribution
    "swapped_arguments": (
        "All weights of a layer have the value y, as if y were the mean and the deviation 0: the "
        "two arguments are in each other's place.",
        "Look up the order of the two arguments.",
    ),
    "constant": (
        "All weights of a layer have the same value, {values}. Neurons that start alike stay "
        "alike; the section on constants shows what comes of it.",
        "How many values have to be drawn for one layer?",
    ),
    "one_draw_for_all": (
        "Each layer got one random value, {values}, in all places: a single number was drawn where "
        "a value for each weight is needed.",
        "How does the function that draws know how many values you want?",
    ),
    "uniform_from_0": (
        "The values are spread evenly from 0 to {bounds}: a uniform distribution, as in the first "
        "uniform exercise.",
        _SHAPE_HINT,
    ),
    "uniform_rule": (
        "The values are spread evenly from -y to y. The rule 1/sqrt(n) is kept, but as the bound "
        "of a uniform distribution; its standard deviation is 0.58 y.",
        _SHAPE_HINT,
    ),
    "uniform_right_deviation": (
        "The standard deviation is right, but the values are spread evenly, with sharp bounds at "
        "1.73 y. Many distributions share a standard deviation.",
        _SHAPE_HINT,
    ),
    "uniform": (
        "The values are spread evenly up to {bounds}: a uniform distribution.",
        _SHAPE_HINT,
    ),
    "truncated": (
        "No value lies farther from 0 than {bounds}: the distribution was cut off. y is its "
        "standard deviation, not a bound.",
        "How many of 1,000 normal values lie beyond two standard deviations?",
    ),
    "absolute_value": (
        "{share:.0%} of the values are negative: they look like those of a normal distribution "
        "without their sign. Weights may have either sign.",
        "What does the picture of a normal distribution look like on both sides of its mean?",
    ),
    "not_normal": (
        "The values are random, but not normally distributed: {beyond:.2%} of them lie beyond two "
        "standard deviations (a normal distribution has 4.55 %), and their kurtosis is "
        "{kurtosis:.2f} (3.00).",
        _SHAPE_HINT,
    ),
    "rounded": (
        "Only {distinct:,} different values occur among {count:,} weights: they were rounded.",
        "Which step of the function makes values coarser?",
    ),
    # Dependence
    "one_row_for_all": (
        "All neurons of a layer got the same weights: one row was drawn and used again. Neurons "
        "that start alike stay alike.",
        "How many values have to be drawn for one layer, and in which shape?",
    ),
    "one_column_for_all": (
        "Each neuron got one value for all its inputs.",
        "How many values have to be drawn for one layer, and in which shape?",
    ),
    "sorted": (
        "The values are drawn from the right distribution and then put in order. Weights should be "
        "independent of their place.",
        "What does the first neuron compute if it gets all the smallest weights?",
    ),
    "copies": (
        "Values occur again, as they are or with the other sign: fewer were drawn than the layer "
        "has weights.",
        "How many values have to be drawn for one layer?",
    ),
    "shared_between_layers": (
        "Layers share their values: one draw was used again in another layer.",
        "When are the values drawn, and how often?",
    ),
    "same_length": (
        "All neurons (or all inputs) have weights of the same total length, as after a "
        "normalization or in an orthogonal matrix. Independent draws vary.",
        "What is done to the values after they were drawn?",
    ),
    "dependent": (
        "The values depend on each other: parts of a layer can be told from other parts.",
        "How many values have to be drawn for one layer, and in which shape?",
    ),
    # Not anew
    "old_weights_kept": (
        "The new weights still hold the old ones (their correlation is {correlation:.2f}, and "
        "should be 0): values were added to them or multiplied with them, or some stayed.",
        "What should be left of the weights that PyTorch drew?",
    ),
    "fixed_seed": (
        "The same weights come out at every application: the generator is seeded inside the "
        "function, or the values are drawn only once. Every network would start from the same "
        "point, and its layers share their values.",
        "Where should a seed be set, so that it is set once?",
    ),
    # The wrong modules
    "layers_skipped": (
        "The function leaves some linear layers out: {layers}.",
        _GUARD_HINT,
    ),
    "partly_written": (
        "Only a part of the layer was written.",
        "Which part of m.weight does your line address?",
    ),
    "other_modules_touched": (
        "The condition lets other modules through besides linear layers: {modules}.",
        _GUARD_HINT,
    ),
    "layers_replaced": (
        "The function puts new layers into the network. An optimizer or another part of the "
        "program that holds the old ones would go on with those.",
        "How can a layer's values change while the layer stays?",
    ),
    "sizes_changed": (
        "The numbers of inputs or neurons of {layer} were altered.",
        "Which attributes of the layer does your function assign to?",
    ),
    # Bias
    "bias_forgotten": (
        "The biases are not set. PyTorch draws them at random, from the same range as its weights.",
        "What value do biases have when the function leaves them alone?",
    ),
    "bias_drawn": (
        "The biases were drawn at random, as if they were weights.",
        "Read once more what the exercise asks of the bias.",
    ),
    "bias_constant": (
        "All biases of a layer were set to the same value: {values}.",
        "Read once more what the exercise asks of the bias.",
    ),
    "bias_partly_forgotten": (
        "The biases of some layers are not set. Left out altogether: {skipped}.",
        _GUARD_HINT,
    ),
    "bias_partly_written": (
        "Only some entries of the bias were set; the others are still what PyTorch drew.",
        "How many biases does a layer have, and how many of them does your line address?",
    ),
    "bias_not_reset": (
        "The biases still depend on what PyTorch drew: they were scaled or shifted, not set.",
        "Which value should every bias have, whatever it was before?",
    ),
    "bias_removed": (
        "The bias was taken away. A bias of 0 is a number that training can change; no bias is "
        "another network.",
        "A bias of zeros is still a tensor. How do the lesson's functions set theirs?",
    ),
    # Types, shapes, training
    "wrong_dtype": (
        "The {parameter} became {dtype}, and the network computes in float32. NumPy draws in "
        "float64 unless told otherwise.",
        "Which method of a tensor changes its type?",
    ),
    "wrong_shape": (
        "The {parameter} of a layer has another shape than before: {shape} for {expected}. A "
        "layer's weight has the shape (neurons, inputs), its bias (neurons,).",
        "Print m.weight.shape and m.bias.shape, and compare with the shape that you draw.",
    ),
    "not_trainable": (
        "The new {parameter} takes no part in training: it requires no gradient or is no Parameter "
        "of the layer any more.",
        "What is the difference between changing a parameter's values and putting another object "
        "in its place?",
    ),
    "weight_removed": (
        "The weight of a layer was taken away.",
        "What does the layer compute with?",
    ),
    "not_finite": (
        "Values are infinite or not a number, as after a division by 0.",
        "Print y for one layer.",
    ),
    "output_changed": (
        "The weights are only half of it: a hook, or a new `forward`, changes what a layer makes "
        "of them, so that its signals are not those of the general rule.",
        "Initialization sets numbers. Which line of yours does more than that?",
    ),
    "gradients_left_off": (
        "The function turns gradients off and not on again, so that no model trained after it can "
        "learn.",
        "`with torch.no_grad():` ends where its block ends. What ends your setting?",
    ),
    "dtype_left_changed": (
        "The function changes PyTorch's default type of numbers, which holds for everything that "
        "is made after it.",
        "Is there a way to draw the values in the type that the layer already has?",
    ),
    "inference_tensor": (
        "The weights are tensors made in inference mode. PyTorch keeps no record of what is "
        "computed with those, so they cannot be trained.",
        "What does `torch.no_grad()` do differently? And can you fill the weights that are there?",
    ),
    # Exceptions
    "leaf_changed_in_place": (
        "PyTorch follows every operation on a parameter, to compute gradients. While it does, it "
        "refuses to change the parameter in place or to hand it to NumPy.",
        "The lesson's own functions write into m.weight too. How do they avoid this?",
    ),
    "underscore_missing": (
        "A tensor has no method `{name}` that changes it. Methods that change a tensor in place "
        "end in an underscore.",
        "Compare your line with the lesson's, letter by letter.",
    ),
    "attribute_misspelt": (
        "`{type}` has no attribute `{name}`.",
        "Write the thing and a dot, and press Tab: Jupyter lists what it has.",
    ),
    "tensor_for_parameter": (
        "A layer's parameter can be replaced by another Parameter only, not by a plain tensor.",
        "Is there a way to put new values into the parameter that is there?",
    ),
    "array_for_tensor": (
        "A NumPy array stands where a tensor is needed.",
        "Which function of torch makes a tensor from an array?",
    ),
    "find_as_truth": (
        "classname.find('Linear') gives a position: 0 for a linear layer, which counts as false, "
        "and -1 where the text does not occur, which counts as true.",
        "With what has the position to be compared?",
    ),
    "no_guard": (
        "The function was called with a module of type {module}, which is no "
        "linear layer, and treated it as one.",
        _GUARD_HINT,
    ),
    "guard_lets_others_in": (
        "The function was called with a module of type {module}, which is no "
        "linear layer, and its condition let "
        "that through.",
        _GUARD_HINT,
    ),
    "whole_model_expected": (
        "The function looks for `{name}` in the module it gets. model.apply calls it with every "
        "module of any model, one at a time, not with the lesson's Net alone.",
        _GUARD_HINT,
    ),
    "unknown_name": (
        "The name `{name}` is not defined where the function uses it.",
        "Where should it get its value, and is it spelt the same in both places?",
    ),
    "wrong_signature": (
        "model.apply calls the function with one argument, the module; this function takes others.",
        "Look at the first line of the lesson's own functions.",
    ),
    "wrong_arguments": (
        "A function was called with arguments that it does not take.",
        "Look up its arguments: how many there are, what they are called, and of what type.",
    ),
    "division_by_zero": (
        "The function divides by 0.",
        "Print what stands below the line of the fraction.",
    ),
    "recursion": (
        "The function calls itself without end.",
        "model.apply visits every module by itself. What remains for the function to do?",
    ),
    "error_swallowed": (
        "Something goes wrong in your line `{line}`, and the `except` after it hides that, so that "
        "the rest never runs.",
        "Take the try away, and read what Python says.",
    ),
    "negative_deviation": (
        "The standard deviation that the function gives is negative.",
        "Look up what the two arguments of normal_ mean. For uniform_ they mean something else.",
    ),
    "sizes_do_not_fit": (
        "Two tensors do not fit together in size. A layer's weight has the shape (neurons, "
        "inputs), its bias (neurons,).",
        "Print m.weight.shape, and compare with the shape that you draw.",
    ),
    "not_implemented": (
        "The function still raises the error that stands for work to be done.",
        "Replace the line that raises it.",
    ),
    "exits": (
        "The function ends the program.",
        "A function that model.apply calls should do its work and return.",
    ),
    "exception": (
        "The function could not finish; the message above says why.",
        "Call the function with one layer, weights_init_normal(nn.Linear(4, 3)), and look at the "
        "line that stops.",
    ),
    # The second exercise
    "default_initialized": (
        "All biases are 0, which PyTorch's own initialization does not give: a function such as "
        "the lesson's was applied, or a constant set.",
        "What has to be done to a new model to leave it with PyTorch's own initial weights?",
    ),
    "default_trained": (
        "Either the model was trained already, or its weights were set by a function.",
        "Where in your cells is the model made, and what happens to it before the comparison?",
    ),
    "default_not_compared": (
        "The comparison was made with another model, or model_default was made anew or trained "
        "after it.",
        "Run the two cells of the exercise again, in their order. Which model does the list hold?",
    ),
}

"""What the grader says, in Chinese; the keys and placeholders are those of `messages_en`."""

JOINTS = {
    "sentences": "",
    "comma": "、",
    "more": " 等，另有 {} 个",
    "hint": "提示：{}",
}

PICTURE = (
    "蓝色填充：你的各层权重。橙色虚线：规则所要求的分布。各图下方：均值（点）以及左右各一个标准差。"
)

SENTENCES = {
    "malformed": "这项测试的观测数据格式有误。{reason}",
    "foreign": "这项测试的观测数据不属于这次评分：它来自另一个随机种子，或来自另一些网络。",
    "no_observation": "{reason}",
    # What was handed in
    "no_function": "没有找到函数 weights_init_normal。",
    "not_a_function": "weights_init_normal 应当是一个函数，它现在的类型是 {type}。",
    "stopped": "函数因错误而中断：{error}。",
    "stopped_at": "以 {module} 类型的模块调用函数时，函数因错误而中断：{error}。",
    "line": "出错的是你的这一行：`{line}`。",
    # Layers
    "layers_correct": "全部 {count} 个线性层都得到了新的权重，每次都不相同；其他部分没有变化，"
    "网络仍然可以训练。",
    "nothing_changed": "函数没有改动任何模块：没有一层得到新的权重。",
    "layers_kept": "{total} 个线性层中有 {count} 个保留了原来的权重：{layers}。",
    "layer_partly_kept": "{layer} 的 {count:,} 个权重中有 {unchanged:,} 个没有改变。",
    "others_changed": "只应改动线性层，但下列模块也被改动了：{modules}。",
    "layer_resized": "{layer} 的输入数或神经元数被改动了；只应改变它的数值。",
    "layer_replaced": "{layer} 被换成了另一个模块；只应改变它的数值。",
    "layer_removed": "{layer} 从网络中被移除了。",
    "weight_gone": "{layer} 的权重不见了。",
    "not_a_parameter": "{layer} 的 {parameter} 现在的类型是 {kind}，不再是 Parameter。",
    "shape_changed": "{layer} 的 {parameter} 的形状是 {shape}，应当保持 {expected}。",
    "dtype_changed": "{layer} 的 {parameter} 现在是 {dtype}；网络用 {expected} 计算。",
    "device_changed": "{layer} 的 {parameter} 被移到了另一个设备上。",
    "gradient_off": "{layer} 的 {parameter} 无法再训练：它不要求梯度。",
    "no_forward": "网络无法再计算输出：{error}。",
    "no_backward": "网络无法再训练：{error}。",
    "no_gradient": "梯度传不到 {parameters}。",
    "layer_diverted": "{layer} 的输出不再是权重乘以输入再加偏差。",
    "gradients_left": "函数运行之后，PyTorch 对任何运算都不再计算梯度。",
    "dtype_left": "函数运行之后，PyTorch 用另一种数值类型创建新的张量。",
    "run_not_finite": "训练一步之后，权重不再是有限的数。",
    "same_twice": "应用两次应当得到不同的权重，但这些层两次得到的完全相同：{layers}。",
    # Weights
    "no_new_weights": "没有一个线性层得到新的权重，因此无从评判：权重仍是 PyTorch 原先抽取的。",
    "weights_replaced": "线性层被整个换掉了，而不是得到新的权重。",
    "weights_missing": "{layer} 的权重无法评判：应当有 {expected} 个数；实际是：{found}。",
    "weights_not_finite": "{layer} 有 {count:,} 个权重不是有限的数。",
    "weights_equal": "{layer} 的所有权重都是 {value:.4g}：它们不是随机的。",
    "mean_correct": "在随机误差允许的范围内，全部 {count} 层权重的均值都是 0。",
    "mean_wrong": "权重的均值应当是 0。{layer} 的均值是 {mean:.4f}；若均值为 0，"
    "它与 0 的差距应不超过 {bound:.4f}。",
    "deviation_correct": "全部 {count} 层的标准差都是 1/sqrt(n)，例如 {layer}："
    "{deviation:.4f}，应为 {expected:.4f}。",
    "deviation_wrong": "标准差应当是 1/sqrt(n)。{layer}：{deviation:.4g}，应为 {expected:.4g}"
    "（在 {low:.4g} 与 {high:.4g} 之间）。",
    "shape_correct": "权重是从正态分布中独立抽取的。",
    "shape_wrong": "权重应当是从正态分布中独立抽取的。",
    "distribution": "但它们的分布是另一种形状",
    "beyond": "但远离均值的值太少或太多",
    "flatness": "但分布的尾部太轻",
    "repeated": "但有的值出现了不止一次",
    "mean": "但各行或各列均值的差异超出随机所允许的范围，或者毫无差异",
    "length": "但所有行或所有列的长度都相同",
    "copies": "但有的值是其他值的复制",
    "in_layer": "（见 {layer}）。",
    "in_all_layers": "（所有层合在一起可见）。",
    # Bias
    "bias_correct": "所有偏差都是 0。",
    "bias_untouched": "没有改动任何线性层；偏差仍是 PyTorch 原先抽取的。",
    "bias_missing": "{layer} 的偏差应当是 {count} 个 0；实际是：{found}。",
    "bias_shape": "{layer} 的偏差应当是 {count} 个 0；它的形状是 {shape}。",
    "bias_unchanged": "{layer} 的偏差与原来相同，从 {low:.4f} 到 {high:.4f}；应当是 0。",
    "bias_not_zero": "{layer} 的偏差应当是 0；{count} 个中有 {nonzero} 个不是，"
    "从 {low:.4g} 到 {high:.4g}。",
    # Default model
    "no_model": "没有找到 model_default。",
    "model_correct": "model_default 是一个 Net，带有 PyTorch 自己的初始权重。",
    "not_a_net": "model_default 应当是一个 Net；它的类型是 {type}。",
    "other_layers": "model_default 应当是带有 fc1、fc2、fc3 三层的 Net；它的层是：{layers}。",
    "model_not_finite": "model_default 的 {parameter} 中有不是有限数的值。",
    "model_too_far": "model_default 的 {parameter} 的值大到 {largest:.4f}。PyTorch 在 "
    "{bound:.4f} 以内抽取；它们是用别的方法初始化的，或者已经训练过。",
    "model_equal": "model_default 的 {parameter} 的所有值都是 {value:.4g}；PyTorch 是随机抽取的。",
    "model_not_uniform": "model_default 的 {parameter} 不像 PyTorch 抽取的那样，"
    "从 {low:.4f} 到 {bound:.4f} 均匀分布：它的标准差是 {deviation:.4f}，应为 {expected:.4f}。",
    # Default comparison
    "no_comparison": "没有找到 default_comparison。",
    "comparison_correct": "model_default 学到了东西：验证准确率 {accuracy:.1f} %，"
    "训练损失 {loss:.3f}。",
    "not_a_comparison": "default_comparison 应当是 helpers.compare_init_weights 的返回值；"
    "它的类型是 {type}。",
    "no_model_to_compare": "没有可供比较的 model_default。",
    "other_models": "default_comparison 中没有一次训练是从 model_default 的权重开始的。"
    "其中的训练有：{labels}。",
    "no_runs": "default_comparison 中没有任何训练。",
    "too_few_batches": "model_default 的训练有 {batches} 个批次；应当有 100 个或更多，"
    "且损失都是有限的数。",
    "not_learned": "model_default 的训练没有学到东西：验证准确率 {accuracy:.1f} %（猜测可达 "
    "10 %），训练损失 {loss:.3f}（猜测为 2.303）。",
}

_GUARD_HINT = (
    "model.apply 会对每个模块调用这个函数：各个层、激活函数，以及模型本身。"
    "怎样看出一个模块是线性层？"
)
_STORE_HINT = "要让网络用上新的值，最后必须由什么来保存它们？在函数运行之后打印这一层的权重看看。"
_RULE_HINT = "回到通用规则：根号下是哪个量，又是哪一层的？"
_SHAPE_HINT = "把你的直方图与正态分布一节中的直方图作比较。"

MISTAKES = {
    # No function
    "none_for_a_function": (
        "这个名字没有对应任何东西：定义它的单元格不见了，或者因错误而中断了；"
        "也可能有一行把某次调用的返回值（这里是 None）赋给了这个名字。",
        "从头运行整个笔记本，再在一个新的单元格里输入 weights_init_normal。Jupyter 显示了什么？",
    ),
    "name_taken": (
        "名字 weights_init_normal 现在对应的是一个 {type} 类型的东西："
        "你的某一行把函数的名字给了别的东西。",
        "在你的单元格里找一找 `weights_init_normal =`。那个东西可以换成什么名字？",
    ),
    # Nothing drawn
    "blank": (
        "函数还是空的，因此每一层都保留了创建时 PyTorch 抽取的值。",
        "从 weights_init_uniform_rule 开始：哪些保持不变，哪些要改？",
    ),
    "guard_never_true": (
        "没有一个线性层满足你这一行 `{line}` 中的条件，因此其后的行从不运行。",
        "对一个线性层打印条件所比较的内容，逐个字母地读一遍。",
    ),
    "nothing_written": (
        "函数做了计算，但没有抽取任何值，也没有把值写入这一层。",
        "算出 y 只是前一半。接下来要拿它做什么？",
    ),
    "result_not_stored": (
        "函数运行到了结尾，但它抽取的值没有到达这一层：它们进了一个副本、一个新对象，"
        "或者一个单独的变量名。",
        _STORE_HINT,
    ),
    "never_run": (
        "含有 `yield` 或以 `async` 开头的函数，被调用时并不会执行其中的语句，只是做好执行的准备。",
        "是哪个词让你的函数与 weights_init_uniform_rule 不一样？",
    ),
    "returns_early": (
        "`{line}` 这一行结束了函数，因此其后的行从不运行。",
        "`return` 的作用是什么？这里需要它吗？",
    ),
    "only_bias_written": (
        "只写入了偏差。为权重计算的结果没有用到权重上。",
        "你的哪一行改变了 m.weight？",
    ),
    # Mean
    "low_and_high": (
        "各层的均值（{means}）正好是带负号的标准差：看起来是把下界和上界传给了需要均值和标准差"
        "的函数。",
        "查一查 normal_ 的两个参数是什么意思。对 uniform_ 来说它们的意思不同。",
    ),
    "uniform_off_centre": (
        "这些值均匀分布，各层从 {lows} 到 {highs}：这是均匀分布，而且不以 0 为中心。",
        _SHAPE_HINT,
    ),
    "mean_not_zero": (
        "这些值以 {means} 为中心，而不是以 0 为中心。",
        "哪个参数决定分布的中心？",
    ),
    # Deviation
    "variance_for_deviation": (
        "各层的标准差是 {deviations}；{rule} 恰好给出这些值。规则要求 1/sqrt(n)；"
        "1/n 是与之对应的方差。",
        "怎样由方差得到标准差？",
    ),
    "half_for_root": (
        "各层的标准差是 {deviations}；{rule} 恰好给出这些值。Python 把 `n ** 1/2` 读作 "
        "`(n ** 1) / 2`：那是 n 的一半，而不是它的平方根。",
        "括号应该加在哪里？或者，哪个函数可以求平方根？",
    ),
    "inverted": (
        "各层的标准差是 {deviations}：它们像 {rule}（n 为输入数，m 为神经元数）那样随层的大小"
        "增长。输入越多，权重应当越小。",
        "规则是一个分数。分子是什么，分母是什么？",
    ),
    "no_scaling": (
        "所有层的标准差都是 {rule}。输入数没有起作用。",
        "分布的宽度应当怎样取决于神经元的输入数？",
    ),
    "fan_out": (
        "各层的标准差是 {deviations}；{rule} 恰好给出这些值，其中 m 是这一层的神经元数。"
        "规则数的是一个神经元的输入。",
        "线性层有两个大小，它的权重的形状是 (out, in)。哪一个是 n？",
    ),
    "both_sizes": (
        "各层的标准差是 {deviations}；{rule}（n 为输入数，m 为神经元数）恰好给出这些值。",
        "规则只需要两个大小中的一个。有多少个权重通向一个神经元？",
    ),
    "xavier": (
        "各层的标准差是 {deviations}；{rule}（n 为输入数，m 为神经元数）恰好给出这些值："
        "这是 Xavier 规则。它也有人使用，但不是这里要求的。",
        _RULE_HINT,
    ),
    "he": (
        "各层的标准差是 {deviations}，是正确值的 1.41 倍；{rule} 恰好给出这些值：这是 He 规则，"
        "它也有人使用，但不是这里要求的；也可能是别处多乘了一个倍数。",
        _RULE_HINT,
    ),
    "root_twice": (
        "各层的标准差是 {deviations}；{rule} 恰好给出这些值：开了两次根号。",
        "y 是不是已经就是正态分布所需要的？",
    ),
    "fixed_deviation": (
        "所有层的标准差都相同，是 {value:.4g}。规则给每一层各自的标准差；"
        "这个值只适合 {inputs:.4g} 个输入。",
        "函数从哪里得知这一层有多少个输入？",
    ),
    "n_slightly_off": (
        "标准差 {deviations} 符合 {rule}，而不是 1/sqrt(n)：偏差被算作了输入，"
        "或者因为别的原因多加或少算了一个。",
        "有多少个权重通向一个神经元？",
    ),
    "other_power": (
        "各层的标准差是 {deviations}；{rule} 恰好给出这些值。规则要求 1/sqrt(n)。",
        "用纸笔写出规则，再写出你的 y 的表达式。它们从哪里开始不同？",
    ),
    "multiple_of_y": (
        "每一层的标准差都是 1/sqrt(n) 的 {ratio:.3g} 倍。",
        "根号没有错。这个倍数是从哪里来的？",
    ),
    "deviation_slightly_off": (
        "每一层的标准差都是 1/sqrt(n) 的 {ratio:.4g} 倍：很接近，但不是它。",
        "是不是有的数被舍入了，或者 n 或 y 上多加了什么？",
    ),
    "added_to_deviation": (
        "每一层的标准差都是 1/sqrt(n) 再加 {difference:+.3g}。",
        "规则里没有第二项。是哪一行给 y 加上或减去了一个数？",
    ),
    "other_deviation": (
        "各层的标准差除以 1/sqrt(n) 得到 {ratios}；它们都应当是 1。",
        _RULE_HINT,
    ),
    # Distribution
    "swapped_arguments": (
        "一层的所有权重都是 y，好像 y 是均值而标准差是 0：两个参数的位置互换了。",
        "查一查两个参数的顺序。",
    ),
    "constant": (
        "一层的所有权重都是同一个值：{values}。起点相同的神经元会一直相同；"
        "关于常数的那一节说明了后果。",
        "一层需要抽取多少个值？",
    ),
    "one_draw_for_all": (
        "每一层所有位置都是同一个随机值（{values}）：需要为每个权重各抽一个值，却只抽了一个数。",
        "抽取的函数怎样得知你要多少个值？",
    ),
    "uniform_from_0": (
        "这些值从 0 到 {bounds} 均匀分布：这是均匀分布，与第一个均匀分布的例子一样。",
        _SHAPE_HINT,
    ),
    "uniform_rule": (
        "这些值从 -y 到 y 均匀分布。用上了规则 1/sqrt(n)，但把它当作了均匀分布的边界；"
        "这样的标准差是 0.58 y。",
        _SHAPE_HINT,
    ),
    "uniform_right_deviation": (
        "标准差是对的，但这些值均匀分布，在 1.73 y 处有明显的边界。许多分布有同样的标准差。",
        _SHAPE_HINT,
    ),
    "uniform": (
        "这些值均匀分布，大小不超过 {bounds}：这是均匀分布。",
        _SHAPE_HINT,
    ),
    "truncated": (
        "没有一个值离 0 超过 {bounds}：分布被截断了。y 是它的标准差，不是边界。",
        "1,000 个正态分布的值中，有多少个在两个标准差之外？",
    ),
    "absolute_value": (
        "有 {share:.0%} 的值是负数：它们看起来像去掉了符号的正态分布。权重可正可负。",
        "正态分布的图形在均值两侧是什么样子？",
    ),
    "not_normal": (
        "这些值是随机的，但不服从正态分布：有 {beyond:.2%} 在两个标准差之外"
        "（正态分布是 4.55 %），峰度是 {kurtosis:.2f}（正态分布是 3.00）。",
        _SHAPE_HINT,
    ),
    "rounded": (
        "{count:,} 个权重中只有 {distinct:,} 个不同的值：它们被舍入了。",
        "函数的哪一步使数值变得粗糙？",
    ),
    # Dependence
    "one_row_for_all": (
        "一层的所有神经元得到了同样的权重：只抽了一行，然后重复使用。起点相同的神经元会一直相同。",
        "一层需要抽取多少个值，形状是什么？",
    ),
    "one_column_for_all": (
        "每个神经元的所有输入只得到同一个值。",
        "一层需要抽取多少个值，形状是什么？",
    ),
    "sorted": (
        "这些值抽自正确的分布，之后却被排了序。权重应当与它所在的位置无关。",
        "如果第一个神经元得到所有最小的权重，它会算出什么？",
    ),
    "copies": (
        "有的值重复出现，或者变号后出现：抽取的值比这一层的权重少。",
        "一层需要抽取多少个值？",
    ),
    "shared_between_layers": (
        "不同的层有相同的值：抽取一次的值又用在了另一层。",
        "这些值是什么时候抽取的，抽取了几次？",
    ),
    "same_length": (
        "所有神经元（或所有输入）的权重向量长度都相同，就像归一化之后或正交矩阵那样。"
        "独立抽取的会有差异。",
        "抽取之后又对这些值做了什么？",
    ),
    "dependent": (
        "这些值互相依赖：由层的一部分可以推知另一部分。",
        "一层需要抽取多少个值，形状是什么？",
    ),
    # Not anew
    "old_weights_kept": (
        "新的权重里还含有旧的权重（两者的相关系数是 {correlation:.2f}，应当是 0）："
        "新的值是加上去或乘上去的，或者有一部分没有换掉。",
        "PyTorch 原先抽取的权重应当留下什么？",
    ),
    "fixed_seed": (
        "每次应用都得到同样的权重：随机数生成器的种子是在函数里面设定的，或者这些值只抽取了一次。"
        "这样每个网络都从同一点出发，各层也共用相同的值。",
        "种子应当在哪里设定，才只设定一次？",
    ),
    # The wrong modules
    "layers_skipped": (
        "函数漏掉了一些线性层：{layers}。",
        _GUARD_HINT,
    ),
    "partly_written": (
        "只写入了层的一部分。",
        "你的那一行指向 m.weight 的哪一部分？",
    ),
    "other_modules_touched": (
        "除线性层之外，条件还放过了别的模块：{modules}。",
        _GUARD_HINT,
    ),
    "layers_replaced": (
        "函数把新的层放进了网络。优化器或程序的其他部分若持有旧的层，会继续使用旧的。",
        "怎样使层的值改变，而层本身不变？",
    ),
    "sizes_changed": (
        "{layer} 的输入数或神经元数被改动了。",
        "你的函数给这一层的哪些属性赋了值？",
    ),
    # Bias
    "bias_forgotten": (
        "没有设置偏差。PyTorch 会随机抽取偏差，范围与它的权重相同。",
        "如果函数不去动偏差，它们的值是什么？",
    ),
    "bias_drawn": (
        "偏差像权重一样被随机抽取了。",
        "再读一遍练习对偏差的要求。",
    ),
    "bias_constant": (
        "一层的所有偏差都被设成了同一个值：{values}。",
        "再读一遍练习对偏差的要求。",
    ),
    "bias_partly_forgotten": (
        "有些层的偏差没有设置。完全漏掉的层：{skipped}。",
        _GUARD_HINT,
    ),
    "bias_partly_written": (
        "只设置了偏差的一部分；其余的仍是 PyTorch 抽取的值。",
        "一层有多少个偏差，你的那一行指向其中的多少个？",
    ),
    "bias_not_reset": (
        "偏差仍然取决于 PyTorch 抽取的值：它们被缩放或平移了，而不是被设定。",
        "无论原来是多少，每个偏差都应当是什么值？",
    ),
    "bias_removed": (
        "偏差被去掉了。偏差为 0，是一个可以在训练中改变的数；没有偏差，则是另一个网络。",
        "全为 0 的偏差仍然是一个张量。课文里的函数是怎样设置偏差的？",
    ),
    # Types, shapes, training
    "wrong_dtype": (
        "{parameter} 变成了 {dtype}，而网络用 float32 计算。"
        "如果不另外指定，NumPy 抽取的是 float64。",
        "张量的哪个方法可以改变它的类型？",
    ),
    "wrong_shape": (
        "层的 {parameter} 的形状与原来不同：现在是 {shape}，应为 {expected}。层的权重的形状是"
        "（神经元数, 输入数），偏差的形状是（神经元数,）。",
        "打印 m.weight.shape 和 m.bias.shape，与你抽取的形状作比较。",
    ),
    "not_trainable": (
        "新的 {parameter} 不参加训练：它不要求梯度，或者不再是这一层的 Parameter。",
        "改变一个参数的值，与把另一个对象放在它的位置上，有什么区别？",
    ),
    "weight_removed": (
        "层的权重被去掉了。",
        "这一层用什么来计算？",
    ),
    "not_finite": (
        "有的值是无穷大或者不是数，就像除以 0 之后那样。",
        "对一个层打印 y。",
    ),
    "output_changed": (
        "权重只是一半：钩子（hook）或新的 `forward` 改变了这一层用权重算出的结果，"
        "因此它的信号不再符合一般法则。",
        "初始化只是设定数值。你的哪一行做了更多的事？",
    ),
    "gradients_left_off": (
        "函数关闭了梯度计算，却没有重新打开，因此之后训练的任何模型都无法学习。",
        "`with torch.no_grad():` 在语句块结束时结束。你的设置在哪里结束？",
    ),
    "dtype_left_changed": (
        "函数改变了 PyTorch 默认的数值类型，这会影响之后创建的一切。",
        "有没有办法直接用这一层已有的类型来抽取数值？",
    ),
    "inference_tensor": (
        "这些权重是在推理模式（inference mode）下创建的张量。PyTorch 不记录用它们做的运算，"
        "因此它们无法训练。",
        "`torch.no_grad()` 有什么不同？能不能把值填进已有的权重里？",
    ),
    # Exceptions
    "leaf_changed_in_place": (
        "PyTorch 会跟踪对参数的每一步运算，以便计算梯度。在此期间，"
        "它拒绝就地修改参数，也拒绝把参数交给 NumPy。",
        "课文中的函数也写入了 m.weight。它们是怎样避开这个问题的？",
    ),
    "underscore_missing": (
        "张量没有可以改变自身的方法 `{name}`。就地改变张量的方法都以下划线结尾。",
        "把你的这一行与课文中的逐个字母比较。",
    ),
    "attribute_misspelt": (
        "`{type}` 没有属性 `{name}`。",
        "写出它的名字和一个点，再按 Tab 键：Jupyter 会列出它有什么。",
    ),
    "tensor_for_parameter": (
        "层的参数只能换成另一个 Parameter，不能换成普通的张量。",
        "有没有办法把新的值放进已有的参数里？",
    ),
    "array_for_tensor": (
        "需要张量的地方放了一个 NumPy 数组。",
        "torch 的哪个函数可以由数组得到张量？",
    ),
    "find_as_truth": (
        "classname.find('Linear') 给出的是位置：对线性层是 0，被当作假；"
        "找不到这个词时是 -1，被当作真。",
        "这个位置应当与什么作比较？",
    ),
    "no_guard": (
        "函数是以 {module} 调用的，它不是线性层，却被当作线性层处理了。",
        _GUARD_HINT,
    ),
    "guard_lets_others_in": (
        "函数是以 {module} 调用的，它不是线性层，而条件放过了它。",
        _GUARD_HINT,
    ),
    "whole_model_expected": (
        "函数在它得到的模块中寻找 `{name}`。model.apply 会对任意模型的每个模块逐一调用它，"
        "而不只是对课文中的 Net。",
        _GUARD_HINT,
    ),
    "unknown_name": (
        "函数用到名字 `{name}` 的地方，这个名字没有定义。",
        "它应当在哪里得到值，两处的拼写是否相同？",
    ),
    "wrong_signature": (
        "model.apply 以一个参数（模块）调用函数；这个函数要的参数不是这样。",
        "看看课文中各个函数的第一行。",
    ),
    "wrong_arguments": (
        "调用一个函数时传入了它不接受的参数。",
        "查一查它的参数：有几个，叫什么，是什么类型。",
    ),
    "division_by_zero": (
        "函数除以了 0。",
        "打印分数线下面的值。",
    ),
    "recursion": (
        "函数无止境地调用自己。",
        "model.apply 自己会访问每个模块。函数还剩什么要做？",
    ),
    "error_swallowed": (
        "你的这一行 `{line}` 出了错，而它后面的 `except` 把错误掩盖了，因此其余部分从不运行。",
        "去掉 try，看看 Python 说了什么。",
    ),
    "negative_deviation": (
        "函数给出的标准差是负数。",
        "查一查 normal_ 的两个参数是什么意思。对 uniform_ 来说它们的意思不同。",
    ),
    "sizes_do_not_fit": (
        "两个张量的大小对不上。层的权重的形状是（神经元数, 输入数），偏差的形状是（神经元数,）。",
        "打印 m.weight.shape，与你抽取的形状作比较。",
    ),
    "not_implemented": (
        "函数仍然抛出那个表示“有待完成”的错误。",
        "把抛出错误的那一行换掉。",
    ),
    "exits": (
        "函数结束了整个程序。",
        "由 model.apply 调用的函数应当做完自己的事，然后返回。",
    ),
    "exception": (
        "函数没能运行完；上面的信息说明了原因。",
        "用一个层来调用函数：weights_init_normal(nn.Linear(4, 3))，看看停在哪一行。",
    ),
    # The second exercise
    "default_initialized": (
        "所有偏差都是 0，而 PyTorch 自己的初始化不会这样：应用了课文中那样的函数，或者设定了常数。",
        "要让新模型保留 PyTorch 自己的初始权重，需要对它做什么？",
    ),
    "default_trained": (
        "要么模型已经训练过，要么它的权重由某个函数设定过。",
        "在你的单元格里，模型是在哪里创建的，在比较之前它经历了什么？",
    ),
    "default_not_compared": (
        "比较用的是另一个模型，或者在比较之后又重新创建或训练了 model_default。",
        "按顺序重新运行这个练习的两个单元格。列表里放的是哪个模型？",
    ),
}

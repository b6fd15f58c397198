"""What a feedback page says around the verdicts, in each language of the course."""

from typing import NamedTuple

from grader_tests.assignment import title as title_of_part


class Words(NamedTuple):
    """The page's texts in one language; braces are filled in."""

    code: str
    feedback_on: str
    points_of: str
    still_open: str
    flagged: str
    part: str
    points: str
    went_well: str
    nothing_yet: str
    all_right: str
    look_next: str
    tested_elsewhere: str
    hint: str
    same_cause: str
    your_code: str
    your_answer: str
    no_code: str
    no_answer: str
    comment: str
    rubric: str
    from_the_lesson: str
    own_cell: str
    stopped: str
    full: str
    some: str
    none: str
    waiting: str
    empty: str
    not_attempted: str
    changed_by_person: str
    late: str
    late_free: str
    late_heading: str
    day: str
    hour: str
    minute: str
    written_open: str
    read_comment: str
    below_rubric: str
    to_the_top: str
    not_shown: str
    picture: str


WORDS = {
    "en": Words(
        code="en",
        feedback_on="Feedback",
        points_of="{score} of {most} points",
        still_open="{points} points are still open: a person has yet to read your written answers.",
        flagged="A person will look at this submission, so the points may change.",
        part="Part",
        points="Points",
        went_well="What went well",
        nothing_yet="No part has its points yet. The next section says where to begin.",
        all_right="Every part has full points. Nothing is left to do.",
        look_next="What to look at next",
        tested_elsewhere="The tests of exercise 1 call your function with networks of their own, "
        "so some layers named here are not in the lesson: Linear(800, 90) is a linear layer with "
        "800 inputs and 90 neurons.",
        hint="Hint",
        same_cause="For the same reason as",
        your_code="Your code",
        your_answer="Your answer",
        no_code="This cell is empty.",
        no_answer="There is no answer here yet.",
        comment="Comment",
        rubric="How this answer is graded",
        from_the_lesson="From the lesson",
        own_cell="A cell of your own",
        stopped="The cell stopped with an error",
        full="full points",
        some="part of the points",
        none="no points yet",
        waiting="to be read",
        empty="no answer",
        not_attempted="not attempted",
        changed_by_person="The automatic test gave {auto}; a person changed the points.",
        late="You handed in {delay} after your deadline ({deadline} UTC). "
        "The course takes {penalty} off {before} points for this.",
        late_free="You handed in {delay} after your deadline ({deadline} UTC). "
        "No points are taken off for this.",
        late_heading="Handed in late",
        day="{} d",
        hour="{} h",
        minute="{} min",
        written_open="A person reads this answer and gives the points.",
        read_comment="Read the comment beside your answer.",
        below_rubric="Compare your answer with the points listed beside it.",
        to_the_top="To the top",
        not_shown="This page could not be made in full: what you wrote here takes too long to be "
        "laid out, so it is left out. It was graded all the same.",
        picture="Histograms of the weights of each layer.",
    ),
    "zh": Words(
        code="zh-CN",
        feedback_on="作业反馈",
        points_of="{score} 分，满分 {most} 分",
        still_open="还有 {points} 分待定：老师尚未批阅你的文字回答。",
        flagged="老师会人工查看这份作业，分数还可能变动。",
        part="项目",
        points="得分",
        went_well="做得好的地方",
        nothing_yet="目前还没有哪一项得分。下一节会告诉你从哪里开始。",
        all_right="每一项都得了满分，没有需要修改的地方。",
        look_next="接下来看什么",
        tested_elsewhere="练习 1 的测试会把你的函数用在另外的网络上，"
        "所以这里提到的有些层不在课文里："
        "Linear(800, 90) 是一个有 800 个输入、90 个神经元的线性层。",
        hint="提示",
        same_cause="原因同上：",
        your_code="你的代码",
        your_answer="你的回答",
        no_code="这个单元格是空的。",
        no_answer="这里还没有回答。",
        comment="评语",
        rubric="这道题的评分标准",
        from_the_lesson="课文",
        own_cell="你自己添加的单元格",
        stopped="单元格因出错而停止",
        full="满分",
        some="部分得分",
        none="尚未得分",
        waiting="待批阅",
        empty="没有作答",
        not_attempted="尚未动手",
        changed_by_person="自动测试给了 {auto} 分；老师修改了分数。",
        late="你在截止时间（{deadline} UTC）之后 {delay}才提交。"
        "按课程规定，从 {before} 分中扣除 {penalty} 分。",
        late_free="你在截止时间（{deadline} UTC）之后 {delay}才提交，不因此扣分。",
        late_heading="迟交",
        day="{} 天",
        hour="{} 小时",
        minute="{} 分钟",
        written_open="这个回答由老师批阅并给分。",
        read_comment="请看回答旁边的评语。",
        below_rubric="请把你的回答与旁边列出的给分点对照。",
        to_the_top="回到顶部",
        not_shown="这一页无法完整生成：你在这里写的内容排版耗时过长，因此略去。评分不受影响。",
        picture="每一层权重的直方图。",
    ),
}


def title(grade_id: str, language: str) -> str:
    """Return what a person calls a part of the assignment."""
    return title_of_part(grade_id, language)
